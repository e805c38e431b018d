"""Tables of a store, the same in SQLite and PostgreSQL but for the names of types.

Rounds are numbered by each shard, versions by the run. Weights and streams have tables of their own,
so that what is read often stays small and what is dropped leaves no hole in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinylearn.fleet.store import StoreError

#: of the tables below; a change of theirs is a new number and an entry of ``MIGRATIONS``
VERSION = 3

#: with ``open`` in it, or SQLite finds a base among all rounds of the run
_OPEN_ROUNDS = "CREATE INDEX open_rounds ON rounds (run, base, open) WHERE open = 1"

_ROLLOUTS = """
CREATE TABLE rollouts (
  run {integer} NOT NULL REFERENCES runs (id),
  shard {integer} NOT NULL,
  version {integer} NOT NULL,
  previous {integer} NOT NULL,
  stages TEXT NOT NULL,
  stage {integer} NOT NULL,
  state TEXT NOT NULL,
  most_errors {real},
  installed TEXT NOT NULL,
  failed TEXT NOT NULL,
  turn {integer} NOT NULL,
  PRIMARY KEY (run, version, shard)
){strict};

CREATE INDEX previous_versions ON rollouts (run, previous)
"""

TABLES = """
CREATE TABLE runs (
  ordinal {serial},
  id {integer} NOT NULL UNIQUE,
  strategy TEXT NOT NULL,
  parameters TEXT NOT NULL,
  seed {integer} NOT NULL,
  model_name TEXT NOT NULL,
  model_hash {blob} NOT NULL,
  weights_bytes {integer} NOT NULL,
  exchanged_bytes {integer} NOT NULL,
  head {integer} NOT NULL
){strict};

CREATE TABLE versions (
  run {integer} NOT NULL REFERENCES runs (id),
  number {integer} NOT NULL,
  parent {integer} NOT NULL,
  shard {integer} NOT NULL,
  round {integer} NOT NULL,
  crc {integer} NOT NULL,
  reports {integer} NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (run, number)
){clustered};

CREATE TABLE weights (
  run {integer} NOT NULL,
  version {integer} NOT NULL,
  content {blob} NOT NULL,
  PRIMARY KEY (run, version),
  FOREIGN KEY (run, version) REFERENCES versions (run, number)
){strict};

CREATE TABLE rounds (
  run {integer} NOT NULL,
  shard {integer} NOT NULL,
  number {integer} NOT NULL,
  base {integer} NOT NULL,
  selected TEXT NOT NULL,
  open {integer} NOT NULL,
  version {integer} NOT NULL,
  PRIMARY KEY (run, shard, number),
  FOREIGN KEY (run, base) REFERENCES versions (run, number) DEFERRABLE INITIALLY DEFERRED
){clustered};

CREATE TABLE updates (
  ordinal {serial},
  run {integer} NOT NULL,
  shard {integer} NOT NULL,
  round {integer} NOT NULL,
  device TEXT NOT NULL,
  attempt {integer} NOT NULL,
  encoding {integer} NOT NULL,
  samples {integer} NOT NULL,
  loss {real},
  norm {real},
  UNIQUE (run, shard, round, device),
  FOREIGN KEY (run, shard, round) REFERENCES rounds (run, shard, number)
    DEFERRABLE INITIALLY DEFERRED
){strict};

CREATE TABLE streams (
  run {integer} NOT NULL,
  shard {integer} NOT NULL,
  round {integer} NOT NULL,
  device TEXT NOT NULL,
  content {blob} NOT NULL,
  PRIMARY KEY (run, shard, round, device),
  FOREIGN KEY (run, shard, round, device) REFERENCES updates (run, shard, round, device)
){strict};

CREATE TABLE devices (
  run {integer} NOT NULL REFERENCES runs (id),
  name TEXT NOT NULL,
  model_hash {blob} NOT NULL,
  capabilities {integer} NOT NULL,
  frame_bytes {integer} NOT NULL,
  free_ram {integer} NOT NULL,
  weights_bytes {integer} NOT NULL,
  births {integer} NOT NULL,
  online {integer} NOT NULL,
  deployed {integer} NOT NULL,
  tags TEXT NOT NULL,
  strikes {integer} NOT NULL,
  isolated_until {integer} NOT NULL,
  paused {integer} NOT NULL,
  pinned {integer} NOT NULL,
  evicted {integer} NOT NULL,
  PRIMARY KEY (run, name)
){strict};

CREATE INDEX deployed_versions ON devices (run, deployed);
CREATE INDEX pinned_versions ON devices (run, pinned);

CREATE TABLE states (
  run {integer} NOT NULL REFERENCES runs (id),
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run, key)
){strict};

CREATE TABLE log (
  ordinal {serial},
  run {integer} NOT NULL REFERENCES runs (id),
  time {real} NOT NULL,
  what TEXT NOT NULL,
  round {integer} NOT NULL,
  device TEXT NOT NULL,
  detail TEXT NOT NULL
){strict};

CREATE INDEX log_of_run ON log (run, ordinal);

CREATE TABLE requests (
  ordinal {serial},
  run {integer} NOT NULL REFERENCES runs (id),
  command TEXT NOT NULL
){strict};

CREATE INDEX requests_of_run ON requests (run, ordinal);
"""
TABLES += f"{_OPEN_ROUNDS};{_ROLLOUTS}"

#: what makes tables of version n into those of n + 1
MIGRATIONS: dict[int, str] = {
    1: f"""
DROP INDEX previous_versions;
ALTER TABLE rollouts RENAME TO rollouts_1;
{_ROLLOUTS};
INSERT INTO rollouts SELECT run, 0, version, previous, stages, stage, state, most_errors, installed,
  failed, version FROM rollouts_1;
DROP TABLE rollouts_1
""",
    2: f"DROP INDEX open_rounds;{_OPEN_ROUNDS}",
}


@dataclass(frozen=True)
class Types:
    """What a database calls the types; ``serial``: a column of ever higher numbers. ``strict`` ends a
    table, ``clustered`` one whose rows are to lie in the order of the key, if it can do that."""

    integer: str
    real: str
    blob: str
    serial: str
    strict: str = ""
    clustered: str = ""

    def statements(self, found: int, place: str) -> list[str]:
        """What takes tables of version ``found`` (0: none) to ``VERSION``; raises StoreError where
        they are newer than this program."""
        if found > VERSION:
            raise StoreError(
                f"{place}: has version {found} of the tables, this tinylearn knows up to {VERSION}; "
                "use the one that wrote it"
            )
        texts = [MIGRATIONS[step] for step in range(found, VERSION)] if found else [TABLES]
        return [part.format(**vars(self)) for text in texts for part in text.split(";")]
