"""How a longer training takes over what a shorter one of the same has done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ncengine.config import RunConfig
from ncengine.runs.identity import Identity
from ncengine.runs.journal import Journal
from ncengine.snapshots.measure import as_planned
from ncengine.snapshots.names import Arrays
from ncengine.snapshots.plan import layer_passes, snapshot_passes
from ncengine.training.train import is_over


def take_over(end: Journal, journal: Journal, identity: Identity) -> None:
    """Have a run begin where a shorter one ended: its snapshots and checkpoints, shard by shard.

    A shard of which something is damaged begins anew.

    Args:
        end: the journal of the shorter run, see `runs.ends`.
        journal: of the longer one, cut into the same shards, and nothing in it yet.
        identity: of the longer one.
    """
    for old, new in zip(end.parts(), journal.parts(), strict=True):
        state = old.resume()
        if state is None:
            continue
        if new.folder != journal.folder:
            new.create(identity.as_dict())
        for snapshot in _as_planned(old.read()[0], identity.config, is_over(state)):
            new.append(snapshot)
        new.save_checkpoint(state)


def _as_planned(snapshots: Sequence[Arrays], config: RunConfig, over: bool) -> Iterator[Arrays]:
    """Those snapshots, as a training of that configuration takes them.

    The shorter training took one at its last pass, which for the longer one is a pass like any
    other, unless training was over by then.
    """
    metrics, geometry = snapshot_passes(config.budget)
    means, features = layer_passes(config)
    for snapshot in snapshots:
        passes = int(snapshot["epoch"])
        if over and snapshot is snapshots[-1]:
            yield snapshot
        elif passes in metrics:
            yield as_planned(
                snapshot,
                geometry=passes in geometry,
                means=passes in means,
                features=passes in features,
            )
