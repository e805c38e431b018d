"""The MQTT broker's side: configuration, certificates, users, and a small one to try things with."""
