"""How a run stands, from its store."""

from __future__ import annotations

from typing import Any

from tinylearn.fleet.begin import config_of, shards_of
from tinylearn.fleet.records import Device, Rollout, Saved
from tinylearn.fleet.run_handle import RunHandle


def status(handle: RunHandle) -> dict[str, Any]:
    """What ``tinylearn fleet status`` tells. Each shard numbers its own rounds; ``last_round`` is
    the newest of all."""
    run = handle.run
    saved = handle.store.load(run.id, own=False)
    shards = range(shards_of(saved.states))
    parts = [saved, *(handle.store.load(run.id, s, len(shards), own=False) for s in shards[1:])]
    config = config_of(saved.states, handle.where)
    return {
        "run": run.id, "model": run.model_name, "model_hash": run.model_hash.hex(),
        "strategy": run.strategy, "parameters": run.parameters, "seed": run.seed,
        "paused": saved.states.get("paused") == "1",
        "version": saved.head.number, "last_round": max(part.last_round for part in parts),
        "rounds": config.rounds, "shards": len(shards),
        "open_rounds": [r for s in shards for r in _open_rounds(parts[s], s)],
        "devices": counts(list(saved.devices.values()), saved.last_round),
        "rollouts": [rollout_row(rollout) for rollout in saved.rollouts],
    }  # fmt: skip


def _open_rounds(saved: Saved, shard: int) -> list[dict[str, int]]:
    reported = [update.round for update in saved.updates]
    return [
        {"shard": shard, "round": number, "base": r.base, "asked": len(r.selected),
         "reported": reported.count(number)}
        for number, r in sorted(saved.open_rounds.items())
    ]  # fmt: skip


def counts(devices: list[Device], last_round: int) -> dict[str, int]:
    """How many devices there are of each kind."""
    return {
        "known": len(devices),
        "online": sum(d.online for d in devices),
        "isolated": sum(d.isolated_until > last_round + 1 for d in devices),
        "held": sum(d.paused for d in devices),
        "evicted": sum(d.evicted for d in devices),
    }


def rollout_row(rollout: Rollout) -> dict[str, Any]:
    """A rollout, with how many devices have it."""
    return {
        "version": rollout.version, "previous": rollout.previous, "state": rollout.state,
        "stage": rollout.stage, "stages": rollout.stages, "most_errors": rollout.most_errors,
        "installed": len(rollout.installed), "failed": len(rollout.failed),
    }  # fmt: skip


def device_state(device: Device, last_round: int) -> str:
    """One word for people."""
    if device.evicted:
        return "evicted"
    if device.paused:
        return "held"
    if device.isolated_until > last_round + 1:
        return "isolated"
    return "online" if device.online else "offline"


def device_rows(handle: RunHandle) -> list[dict[str, Any]]:
    """All devices by name, as ``tinylearn fleet devices`` tells."""
    saved = handle.store.load(handle.run.id, own=False)
    return [
        {
            "name": d.name, "state": device_state(d, saved.last_round), "online": d.online,
            "deployed": d.deployed, "births": d.births, "frame_bytes": d.frame_bytes,
            "free_ram": d.free_ram, "strikes": d.strikes, "isolated_until": d.isolated_until,
            "pinned": d.pinned, "held": d.paused, "evicted": d.evicted, "tags": d.tags,
            "capabilities": [c.name.lower() for c in d.capabilities if c.name],
            "same_model": d.model_hash == handle.run.model_hash,
        }
        for _, d in sorted(saved.devices.items())
    ]  # fmt: skip


def rows(content: dict[str, Any]) -> list[tuple[str, str]]:
    """``status`` as (name, value) for people."""
    devices = ", ".join(f"{count:,} {kind}" for kind, count in content["devices"].items() if count)
    parameters = ", ".join(f"{name}={value}" for name, value in content["parameters"].items())
    shown = [
        ("run", f"{content['run']}, model {content['model']}, seed {content['seed']}"),
        ("strategy", f"{content['strategy']}: {parameters}"),
        ("rounds", f"{content['last_round']:,} of {content['rounds']:,}"
                   + (", paused" if content["paused"] else "")),
        ("version", f"{content['version']:,}"),
        ("devices", devices or "none yet"),
    ]  # fmt: skip
    for opened in content["open_rounds"]:
        said = f"{opened['reported']} of {opened['asked']} reports, from version {opened['base']:,}"
        shown.append((f"round {opened['round']:,}", said))
    for rollout in content["rollouts"]:
        said = f"{rollout['state']}, stage {rollout['stage'] + 1} of {len(rollout['stages'])}"
        said += f", {rollout['installed']:,} have it, {rollout['failed']:,} failed"
        shown.append((f"rollout of {rollout['version']:,}", said))
    return shown
