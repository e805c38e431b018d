"""The registry as a service: W3C WoT Discovery's directory, SPARQL, and a page for people."""
