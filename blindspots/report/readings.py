"""What a run took: the settings in effect, and its readings of what the paper leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blindspots.config import methods
from blindspots.config.check import instances, method_settings
from blindspots.config.settings import PROVIDED


def settings_in_effect(config: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Each method behind a run's results: its key, its name, and all its settings as text."""
    aimed = _targets(config)
    found = []
    for key, role, instance in instances(dict(config)):
        if role in ("analyses", "figures"):  # how results are shown
            continue
        settings = methods.defaults(role, instance["method"])
        settings = {k: v for k, v in settings.items() if k not in PROVIDED[role]}
        if role == "trainers" and methods.takes(role, instance["method"], "decay_scale"):
            settings["decay_scale"] = config["decay_scale"]
        if role == "attacks" and key.partition(".")[2] in aimed:
            settings["target"] = instance["target"]
        settings |= method_settings(instance, role)
        text = ", ".join(f"{name} = {value}" for name, value in settings.items())
        found.append((key, instance["method"], text or "none"))
    return found


def _together(answers: Mapping[str, str]) -> str:
    """What holds for most names, and who differs: "random; next: A, B"."""
    names: dict[str, list[str]] = {}
    for name, answer in answers.items():
        names.setdefault(answer, []).append(name)
    first, *others = sorted(names, key=lambda answer: -len(names[answer]))
    return "; ".join([first, *(f"{answer}: {', '.join(names[answer])}" for answer in others)])


def _targets(config: Mapping[str, Any]) -> dict[str, str]:
    """What the attacks of experiments aim at; noise and other controls aim at nothing."""
    used = {name for experiment in config["experiments"].values() for name in experiment["attacks"]}
    return {
        name: str(attack["target"])
        for name, attack in config["attacks"].items()
        if name in used and methods.needs_model(attack["method"])
    }


def readings_taken(config: Mapping[str, Any]) -> dict[str, str]:
    """What a run took where the paper leaves a choice open, as text by question."""
    experiments = config["experiments"]
    attacks = {
        name: methods.defaults("attacks", attack["method"]) | attack
        for name, attack in config["attacks"].items()
    }
    images = {name: f"{e['n']} of part {e['part']}" for name, e in experiments.items()}
    clipped = {
        name: "amplified images clipped" if e["clip"] else "amplified images not clipped"
        for name, e in experiments.items()
        if e["amplify"]
    }
    clipped |= {
        name: "clipped" if attack["clip"] else "not clipped"
        for name, attack in attacks.items()
        if "clip" in attack
    }
    penalties = {n: a for n, a in attacks.items() if a["method"] == "lbfgs"}
    distances = {"l2_squared": "c·‖r‖₂², smooth at 0", "l2": "c·‖r‖₂"}
    searches = {
        "bisect": "the largest c that reaches the target, bracketed and bisected",
        "first_success": "the largest power of ten for c that reaches the target",
    }
    trainers = {n: net["trainer"] for n, net in config["nets"].items() if net["trainer"]}
    factors = {
        name: trainer.get("decay_scale", config["decay_scale"])
        for name, trainer in trainers.items()
        if methods.takes("trainers", trainer["method"], "decay_scale")
    }
    mixed = {
        name: methods.defaults("trainers", trainer["method"]) | trainer
        for name, trainer in trainers.items()
        if trainer["method"] == "adversarial_pools"
    }
    decoupled = {n: "decoupled from the gradient (AdamW)" for n, t in mixed.items() if t["decay"]}
    aims = _targets(config)
    found = {
        "decay": {n: f"as printed times {factor:g}" for n, factor in factors.items()} | decoupled,
        "pools": {
            name: f"of {t['layers']}, {t['kind']}, at most {t['strength']} RMS per unit, "
            f"{100 * t['mix']:g}% of a batch"
            for name, t in mixed.items()
            if t["layers"] != []
        },
        "target": {
            n: ", ".join(dict.fromkeys(aims[a] for a in e["attacks"] if a in aims))
            for n, e in experiments.items()
            if any(a in aims for a in e["attacks"])
        },
        "distance": {n: distances[a["distance"]] for n, a in penalties.items()},
        "search": {n: searches[a["search"]] for n, a in penalties.items()},
        "images": images,
        "clipping": clipped,
    }
    return {question: _together(answers) for question, answers in found.items() if answers}
