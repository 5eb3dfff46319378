"""What the report says, in sentences and rows of tables; how it looks is elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from octlessons.clustering.members import members
from octlessons.report.pictures import Sheets
from octlessons.report.result import ClusterRun
from octlessons.wording import count, decimal, listing, one_line, p_value, percent

#: What the kinds of members are, in words.
KIND_WORDS = {
    "central": "Central: nearest to the middle of the cluster",
    "doubtful": "Doubtful: nearly as near to another cluster",
    "odd": "Odd: furthest from the middle",
}
#: A cluster stays if its scans are with each other this often when patients are left out.
STAYS = 0.8
#: Neighbours that a map keeps, below which it says so plainly.
TRUST = 0.5


def told(run: ClusterRun, sheets: Sheets) -> dict[str, Any]:
    """All sentences and tables of the report, by name."""
    return {
        "title": f"{count(len(run), 'scan')} in {count(run.grouping.k, 'group')}",
        "short": in_short(run),
        "number": number(run),
        "tried": tried(run),
        "stability": stability(run),
        "follow": follow(run),
        "follow_rows": follow_rows(run),
        "strata": strata(run),
        "labels": labels(run),
        "map": about_the_map(run, sheets),
        "copies_words": copies_words(run),
        "left_out": left_out(run),
        "ran": ran(run),
        "source": run.run.get("source", ""),
    }


def in_short(run: ClusterRun) -> list[str]:
    """The findings, one sentence each."""
    grouping, said = run.grouping, []
    if grouping.stands_out is False:
        said.append(
            f"No number of groups stands out. The {grouping.k} groups below are a way to look "
            "through "
            "the scans, not a finding."
        )
    elif grouping.stands_out:
        said.append(
            f"{grouping.k} groups stand out: they are dense, and they stay when {units(run)} are "
            "left out."
        )
    else:
        said.append(f"The scans were put into {count(grouping.k, 'group')}, as asked.")
    rows = followed_rows(run)
    others = [row for row in rows if row.what != "diagnosis"]
    if others:
        strongest = others[0]
        said.append(
            "Of what is known of the scans besides their labels, the groups follow "
            f"{strongest.what} most "
            f"(AMI {decimal(strongest.ami)}; chance reaches {decimal(strongest.chance.high)})."
        )
    elif run.followed is not None:
        said.append(
            "The groups follow nothing else that is known of the scans more than chance does."
        )
    if run.agreed is not None:
        found = run.agreed
        verdict = (
            "more than by chance" if found.ari > found.ari_chance.high else "no more than by chance"
        )
        said.append(
            f"They agree with the labels {verdict}: ARI {found.ari_interval}, by chance up to "
            f"{decimal(found.ari_chance.high)}."
        )
    doubtful = int(grouping.doubtful.sum())
    said.append(
        f"{count(doubtful, 'scan')} ({percent(doubtful / len(run))}) lie nearer to another "
        "group than to their own."
    )
    if run.scans.patients is None:
        said.append(
            "Patients are not known, so every scan counts for itself: several scans of one eye "
            "make all of this look surer than it is. A table with a column of patients mends it."
        )
    if run.left_out:
        said.append(
            f"{count(len(run.left_out), 'file')} could not be used; each is named at the end."
        )
    return said


def units(run: ClusterRun) -> str:
    """What is left out and drawn anew: whole patients, where they are known."""
    return "scans" if run.scans.patients is None else "patients"


def number(run: ClusterRun) -> str:
    """Why there are so many groups."""
    grouping = run.grouping
    why = grouping.why[0].upper() + grouping.why[1:]
    if grouping.stands_out is False:
        return (
            f"{why}. So no number is good: the scans lie in one crowd, or in one that thins out "
            f"gradually. They were cut into {grouping.k}, the number whose groups change least "
            f"when {units(run)} are left out."
        )
    return f"{why}."


def tried(run: ClusterRun) -> list[tuple[str, ...]]:
    """Rows: k, silhouette, gap, stability."""
    choice = run.grouping.choice
    if choice is None:
        return []
    rows = zip(choice.ks, choice.silhouette, choice.gap, choice.stability, strict=True)
    return [(str(k), *(decimal(value) for value in values)) for k, *values in rows]


def stability(run: ClusterRun) -> str:
    """What becomes of the groups when patients are left out."""
    held = run.grouping.held
    if not np.isfinite(held).any():
        return f"There are too few {units(run)} to leave some out and see what stays."
    weak = [str(c + 1) for c, value in enumerate(held) if value < STAYS]
    said = (
        f"A fifth of the {units(run)} was left out 25 times, and the rest grouped again. Two scans "
        f"of one group stayed together in {percent(np.nanmean(held))} of the times."
    )
    if weak:
        said += (
            f" Least steady: group {listing(weak)}. Take {'it' if len(weak) == 1 else 'them'} "
            "for a suggestion."
        )
    return said


def followed_rows(run: ClusterRun) -> list:
    """What clusters follow more than chance does, strongest first."""
    if run.followed is None:
        return []
    rows = [row for row in run.followed.rows if row.ami > row.chance.high]
    return sorted(rows, key=lambda row: -row.ami)


def follow(run: ClusterRun) -> str:
    """The answer to: what do the groups follow?"""
    if run.followed is None:
        return "Nothing is known of these scans to compare with."
    rows = followed_rows(run)
    if not rows:
        return "Nothing in this table is followed more than chance allows."
    said = (
        f"More than chance allows, the groups follow {listing(row.what for row in rows)}, in "
        "this order."
    )
    strongest = rows[0]
    if strongest.what == "diagnosis":
        return f"{said} The label is followed most."
    if run.agreed is None:
        return (
            f"{said} Whether that is disease or the way of taking pictures, only somebody who "
            "knows the scans can say."
        )
    return (
        f"{said} {strongest.what.capitalize()} is followed more than the label: be careful "
        "with any story about disease."
    )


def follow_rows(run: ClusterRun) -> list[dict[str, Any]]:
    """Rows of the table, for the page."""
    if run.followed is None:
        return []
    return [
        {
            "what": "label" if row.what == "diagnosis" else row.what,
            "values": f"{row.n_values:,}",
            "ami": decimal(row.ami),
            "chance": str(row.chance) if np.isfinite(row.ami) else "–",
            "p": p_value(row.p_value) if np.isfinite(row.ami) else "–",
            "more": bool(row.ami > row.chance.high),
            "bar": float(np.clip(np.nan_to_num(row.ami), 0, 1)),
            "band": float(np.clip(np.nan_to_num(row.chance.high), 0, 1)),
        }
        for row in sorted(run.followed.rows, key=lambda row: -np.nan_to_num(row.ami, nan=-1))
    ]


def strata(run: ClusterRun) -> list[str]:
    """What is left of the agreement with the labels among scans that are alike."""
    return [
        f"Among scans of the same {stratum.what}, the agreement with the labels is ARI "
        f"{decimal(stratum.inside)} (over all scans {decimal(stratum.overall)})."
        for stratum in run.strata
    ]


def labels(run: ClusterRun) -> dict[str, Any] | None:
    """Agreement with the labels: rows of scores, and the table of groups and labels."""
    found = run.agreed
    if found is None:
        return None
    scores = [
        ("ARI", decimal(found.ari), str(found.ari_interval), str(found.ari_chance)),
        ("AMI", decimal(found.ami), str(found.ami_interval), str(found.ami_chance)),
        (
            "matched accuracy",
            percent(found.accuracy),
            str(found.accuracy_interval),
            str(found.chance),
        ),
    ]
    table = contingency(run)
    return {"scores": scores, "names": list(run.scans.class_names), "table": table}


def contingency(run: ClusterRun) -> list[tuple[str, list[int]]]:
    """Scans of each group and label."""
    labels, rows = np.asarray(run.scans.labels), []
    for c in range(-1, run.grouping.k):
        own = run.clusters == c
        if own.any():
            name = "none" if c < 0 else str(c + 1)
            counts = np.bincount(labels[own], minlength=len(run.scans.class_names))
            rows.append((name, counts.tolist()))
    return rows


def about_the_map(run: ClusterRun, sheets: Sheets) -> str:
    """What the map is, what it keeps, and what it cannot show."""
    kept, chance = run.map.kept, run.map.chance
    said = f"Every scan is a point, placed by {run.map.how}. "
    if np.isfinite(kept):
        said += (
            f"Of the nearest neighbours of a scan {percent(kept)} are its neighbours here, too "
            "(by chance "
            f"{percent(chance, 1)})"
            + (
                ": most of what is near in the representation is not near here. "
                if kept < TRUST
                else ". "
            )
        )
    if sheets.shown < len(run):
        said += (
            f"Of {len(run):,} scans {sheets.shown:,} have a picture, the same share of each group. "
        )
    return said + (
        "Do not read distances between islands, their sizes or their number: the groups were "
        "found without "
        "the map."
    )


def copies_words(run: ClusterRun) -> str:
    """How many scans are there twice."""
    found = run.copies
    if not len(found):
        return "No two scans look the same."
    exact = int(found.exact.sum())
    said = (
        f"{count(exact, 'pair')} of the same pixels, {count(len(found) - exact, 'pair')} "
        "nearly the same."
    )
    if found.same_patient is None:
        return f"{said} Patients are not known, so nobody can say which of them are of one eye."
    across = int((~found.same_patient).sum())
    if across:
        return (
            f"{said} {across} of them under two patients: look at these, one of the two names "
            "is wrong."
        )
    return f"{said} All of them within one patient, as slices of one eye can be."


def copies_to_show(run: ClusterRun, most: int) -> list[tuple[str, np.ndarray]]:
    """Pairs to look at, those across patients first."""
    found = run.copies
    across = np.zeros(len(found), bool) if found.same_patient is None else ~found.same_patient
    order = np.lexsort((found.exact, ~across))[:most]
    words = [
        ("the same pixels" if found.exact[i] else "nearly the same")
        + (", two patients" if across[i] else "")
        for i in order
    ]
    return list(zip(words, found.pairs[order], strict=True))


def oddest(run: ClusterRun, most: int) -> np.ndarray:
    """Scans to look at first: those furthest from all others."""
    return np.argsort(-run.grouping.oddness, kind="stable")[:most]


def left_out(run: ClusterRun) -> list[tuple[str, str]]:
    """Names and reasons of files that were not used."""
    return [(one_line(p.path), p.reason) for p in run.left_out]


def label_of(run: ClusterRun, i: int) -> str:
    """Label of a scan, empty where there is none."""
    scans = run.scans
    return "" if scans.labels is None else scans.class_names[scans.labels[i]]


def members_of(run: ClusterRun, most: int) -> dict[int, list[tuple[str, np.ndarray]]]:
    """For each group the kinds of its members, in words, and which scans they are."""
    picked = members(
        run.features, run.clusters, most,
        groups=run.scans.patients, silhouettes=run.grouping.silhouettes,
    )  # fmt: skip
    return {
        c: [(KIND_WORDS[kind], which) for kind, which in kinds.items() if len(which)]
        for c, kinds in picked.items()
    }


def card(run: ClusterRun, c: int) -> dict[str, Any]:
    """Numbers and words of one cluster."""
    own = run.clusters == c
    held = run.grouping.held[c] if c < len(run.grouping.held) else np.nan
    said = run.descriptions.get(c)
    facts = [count(int(own.sum()), "scan")]
    if run.scans.patients is not None:
        facts.append(count(len(np.unique(run.scans.patients[own])), "patient"))
    if np.isfinite(run.grouping.silhouettes[own]).any():
        facts.append(f"mean silhouette {decimal(float(np.nanmean(run.grouping.silhouettes[own])))}")
    if np.isfinite(held):
        stays = percent(float(held))
        facts.append(f"together in {stays} of the times when {units(run)} are left out")
    if said is None or said.too_few:
        words = f"Too few {units(run)} to say what sets it apart."
    elif said.words:
        words = f"Against all other scans, {'; '.join(said.words)}."
    else:
        words = "Nothing that is measured sets it apart from the others."
    tally = None
    if run.scans.labels is not None:
        counts = np.bincount(run.scans.labels[own], minlength=len(run.scans.class_names))
        tally = [(n, int(k)) for n, k in zip(run.scans.class_names, counts, strict=True) if k]
        tally.sort(key=lambda pair: -pair[1])
    return {"number": c + 1, "facts": facts, "words": words, "tally": tally, "n": int(own.sum())}


def ran(run: ClusterRun) -> list[tuple[str, str]]:
    """What was run, by name."""
    facts, settings = run.run, run.run.get("settings", {})
    rows = [
        ("read", str(facts.get("source", ""))),
        ("scans looked at", f"{facts.get('scans', len(run)):,}"),
        ("representation", str(settings.get("representation"))),
        ("clusterer", str(settings.get("clusterer"))),
        ("number of groups", "chosen" if settings.get("k") is None else str(settings["k"])),
        ("seed", str(settings.get("seed"))),
        ("octlessons", str(facts.get("octlessons", ""))),
        *((name, version) for name, version in facts.get("versions", {}).items() if version),
        *((f"network {name}", digest) for name, digest in facts.get("networks", {}).items()),
        ("checksum of names and sizes", str(facts.get("checksum of names and sizes", ""))),
    ]
    if "seconds" in facts:
        rows.append(("time", f"{facts['seconds']:,.0f} s"))
    return rows
