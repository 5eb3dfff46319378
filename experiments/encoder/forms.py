"""Diseases as they are drawn for training: in other sizes, in rarer forms, and early."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from octlessons.images.phantoms.lesions import DRUSEN, PED, SRF, Disease, Mound, Spot


def rarer_forms(name: str, disease: Disease, rng: np.random.Generator) -> Disease:
    """Forms that lie near another class: macular oedema with fluid beneath, drusen that merged."""
    rare = rng.random() < 0.3
    if name == "DME" and rare and not disease.mounds:
        radius = float(rng.uniform(0.4, 1.3))
        fluid = Mound(
            SRF, float(rng.normal(0, 0.3)), 0.0, radius, max(radius, 0.5),
            float(rng.uniform(40, 260)), grey=0.06, shape=float(rng.uniform(0.7, 1.3)), rough=0.05,
            mottle=0.1,
        )  # fmt: skip
        return replace(disease, mounds=(fluid,))
    if name == "DRUSEN" and rare:
        wider, higher = rng.uniform(1.2, 2.4), rng.uniform(1.0, 1.7)
        return replace(
            disease,
            mounds=tuple(
                replace(m, radius_x=m.radius_x * float(wider), height=m.height * float(higher))
                for m in disease.mounds
                if m.code == DRUSEN
            ),
        )
    return disease


def other_lesions(disease: Disease, rng: np.random.Generator) -> Disease:
    """The same signs in other sizes and greys."""
    size, swollen = np.exp(rng.normal(0, (0.25, 0.3)))

    def spread(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    return replace(
        disease,
        mounds=tuple(
            replace(
                mound,
                height=mound.height * float(size * np.exp(rng.normal(0, 0.1))),
                radius_x=mound.radius_x * float(np.exp(rng.normal(0, 0.12))),
                grey=float(np.clip(mound.grey * spread(0.75, 1.3), 0.03, 0.85)),
                rough=mound.rough * spread(0.5, 2.2),
                mottle=mound.mottle * spread(0.5, 2.0),
            )
            for mound in disease.mounds
        ),
        swellings=tuple(
            replace(s, extra=s.extra * float(swollen), sd=s.sd * float(np.exp(rng.normal(0, 0.15))))
            for s in disease.swellings
        ),
        cysts=tuple(replace(c, filling=c.filling * spread(0.7, 1.1)) for c in disease.cysts),
        pit_loss=float(np.clip(disease.pit_loss + rng.normal(0, 0.08), 0, 1)),
        irregular=disease.irregular * spread(0.6, 2.0),
        damage=tuple((a, b, min(1.0, loss * spread(0.5, 1.3))) for a, b, loss in disease.damage),
        streaks=disease.streaks * spread(0.5, 1.4),
    )


def milder_forms(name: str, disease: Disease, rng: np.random.Generator) -> Disease:
    """Little of each sign: what an early or a treated eye shows."""
    little = float(rng.uniform(0.15, 0.6))
    mounds = tuple(replace(m, height=max(12.0, m.height * (0.25 + little))) for m in disease.mounds)
    disease = replace(
        disease,
        mounds=mounds,
        swellings=tuple(replace(s, extra=s.extra * little) for s in disease.swellings),
        pit_loss=disease.pit_loss * little,
    )
    if name == "DME":
        return _early_oedema(disease, rng)
    if name == "CNV" and rng.random() < 0.25:
        return replace(disease, mounds=(_serous_detachment(rng),), cysts=(), swellings=())
    if name in ("CNV", "DRUSEN"):
        atrophy = float(rng.uniform(0, 0.6))
        damage = tuple((a, b, max(loss, atrophy)) for a, b, loss in disease.damage)
        return replace(disease, damage=damage, streaks=float(rng.uniform(0, 1.1)))
    return disease


def _early_oedema(disease: Disease, rng: np.random.Generator) -> Disease:
    """A few small cysts, often beside the fovea, and exudates with their shadows."""
    keep = rng.permutation(len(disease.cysts))[: int(rng.integers(0, 6))]
    cysts = tuple(
        replace(
            disease.cysts[i],
            half_width=disease.cysts[i].half_width * float(rng.uniform(0.4, 0.9)),
            filling=disease.cysts[i].filling * float(rng.uniform(0.5, 1.0)),
        )
        for i in keep
    )
    place, spots = float(rng.normal(0, 1.2)), list(disease.spots)
    for _ in range(int(rng.integers(0 if cysts else 3, 9))):
        size = float(rng.uniform(10, 36))
        spots.append(
            Spot(
                place + float(rng.normal(0, 0.25)),
                float(rng.normal(0, 0.05)),
                float(rng.uniform(0.35, 0.9)),
                size,
                size * 0.6,
                float(rng.uniform(0.6, 0.95)),
                float(rng.uniform(0.1, 0.45)),
            )
        )
    keeps_fluid = rng.random() < 0.5
    return replace(
        disease, cysts=cysts, spots=tuple(spots), mounds=disease.mounds if keeps_fluid else ()
    )


def _serous_detachment(rng: np.random.Generator) -> Mound:
    """A smooth dome of the RPE over clear fluid."""
    radius = float(rng.uniform(0.3, 1.2))
    return Mound(
        PED, float(rng.normal(0, 0.8)), 0.0, radius, max(radius, 0.5),
        float(rng.uniform(60, 380)), grey=float(rng.uniform(0.05, 0.16)),
        shape=float(rng.uniform(0.7, 1.1)), rough=float(rng.uniform(0.01, 0.05)), mottle=0.1,
    )  # fmt: skip
