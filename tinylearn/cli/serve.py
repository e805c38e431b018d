"""Serve the registry over HTTP: the W3C WoT directory API, SPARQL, and a page for people.

Without --token-file whoever reaches it may change it, so that it is served on this machine alone.
"""

from __future__ import annotations

import argparse
import sys

from tinylearn.cli.arguments import port

HELP = "serve the registry: W3C WoT directory, SPARQL, web page"


def configure(verb: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    verb.add_argument("--store", metavar="DIR|URL", default="registry",
                      help="folder of the registry, or the URL of a SPARQL 1.1 endpoint (default "
                      "./registry)")  # fmt: skip
    verb.add_argument("--host", metavar="ADDRESS", default="127.0.0.1",
                      help="where to listen (default 127.0.0.1); other than this machine with "
                      "--token-file alone")  # fmt: skip
    verb.add_argument("--port", type=port, metavar="P", default=8080,
                      help="at which port; 0: any that is free (default 8080)")  # fmt: skip
    access = verb.add_argument_group("who may do what")
    access.add_argument("--token-file", metavar="FILE",
                        help="who writes must send a token of this file, one a line")  # fmt: skip
    access.add_argument("--read", choices=("open", "token"), default="open",
                        help="whether reading needs a token as well (default open)")  # fmt: skip
    access.add_argument("--cors", metavar="ORIGIN", action="append", default=[],
                        help="let web pages of this origin use the service, repeatable")  # fmt: skip
    access.add_argument("--base", metavar="URL",
                        help="where others find the service, if there is a proxy before it")  # fmt: skip


def execute(args: argparse.Namespace) -> int:
    """Serves until SIGINT or SIGTERM."""
    from pathlib import Path

    from tinylearn.directory.auth import read_tokens
    from tinylearn.directory.serving import serve
    from tinylearn.directory.settings import Settings

    tokens = read_tokens(Path(args.token_file)) if args.token_file else ()
    if args.token_file and Path(args.token_file).stat().st_mode & 0o077:
        print(f"{args.token_file}: others on this machine can read the tokens; chmod 600 it",
              file=sys.stderr)  # fmt: skip
    settings = Settings(args.host, args.port, tokens, args.read, tuple(args.cors), args.base)
    serve(args.store, settings, lambda url: _tell(args, url))
    return 0


def _tell(args: argparse.Namespace, url: str) -> None:
    from tinylearn.cli.output import print_json

    if args.json:
        print_json({"store": args.store, "url": url})
    elif not args.quiet:
        print(f"serving {args.store} at {url}; end with Ctrl-C", file=sys.stderr)
    sys.stdout.flush()
