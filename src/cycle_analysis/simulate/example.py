"""The truth of the bundled study `example`: four profiles that differ in shape.

Busy experimenters and those who anchor by plan have nearly the same mean and cross twice: what
tells them apart is where they stand in the cycle, not how far they are.
"""

from .truth import Follows, Profile, Truth

EXAMPLE_SEED = 20180312
"""Seed of the committed files."""

EXAMPLE = Truth(
    phases=("AG", "EX", "VB", "VA", "NN"),
    profiles=(
        # Getting oriented: the subject is known, little else has begun.
        Profile(means=(26, 18, 12, 10, 6), share=0.38, size_slope=-0.35),
        # Busy experimenters: many pilots, hardly anything laid down.
        Profile(means=(36, 69, 46, 14, 12), share=0.24, size_slope=0.10),
        # Anchoring by plan: owner, budget and procedures first, few experiments.
        Profile(means=(75, 23, 28, 61, 26), share=0.22, size_slope=0.05),
        # Broad front-runners: all phases at once, and the largest differences inside.
        Profile(means=(74, 68, 72, 58, 56), share=0.16, size_slope=0.40, respondent_spread=1.1),
    ),
    transitions=(
        (0.62, 0.19, 0.16, 0.03),
        (0.04, 0.72, 0.08, 0.16),
        (0.03, 0.06, 0.75, 0.16),
        (0.00, 0.03, 0.05, 0.92),
    ),
    unit_sd=3.0,
    unit_memory=0.7,
    respondent_sd=25.0,
    respondent_general=0.08,
    style_sd=3.0,
    item_spread=14.0,
    item_sd=29.0,
    items_per_phase=5,
    n_steps=5,
    role_effects={
        "STR": (4, 0, 1, 2, 1),
        "DAT": (-2, 2, -2, -3, -3),
        "DOM": (-2, -2, 0, 0, 1),
        "BES": (6, 3, 3, 4, 4),
    },
    role_order=(("STR", "DAT"), ("STR", "DAT"), ("DOM",), ("DOM",), ("DOM", "BES"), ("DOM",)),
    mean_respondents={1: 3.4, 2: 3.6, 3: 4.0, 4: 4.3, 5: 4.6, 6: 4.8, 7: 5.0, 8: 5.2},
    single_share=0.03,
    response_rate={1: 0.35, 2: 0.40, 3: 0.46, 4: 0.54, 5: 0.66, 6: 0.74, 7: 0.82, 8: 0.90},
    response_memory=0.5,
    blank_rate=0.015,
    dont_know_rate=0.015,
    not_applicable_rate=0.06,
    follows={
        "A4": Follows(offset=50, slope=0, sd=22, power=2),
        "A5": Follows(offset=35, slope=0.4, sd=25),
        "A6": Follows(offset=35, slope=0, sd=25),
        "B1_1": Follows(("AG",), offset=12, sd=12),
        "B1_2": Follows(("EX",), offset=5, sd=12),
        "B1_3": Follows(("VB", "VA", "NN"), offset=2, sd=12),
        "B2": Follows(offset=2, slope=1.05, sd=16),
        "D": Follows(offset=14, slope=0.75, sd=18),
        "E": Follows(("VA",), offset=28, slope=0.5, sd=18),
        "F": Follows(("AG", "VA"), offset=20, slope=0.55, sd=18),
        "G1": Follows(offset=40, slope=0.45, sd=9, decimals=1),
        "G2": Follows(offset=12, slope=0.9, sd=12),
        "G3": Follows(("VA", "NN"), offset=8, slope=0.9, sd=12),
        "G4": Follows(offset=40, slope=0.6, sd=14),
        "G5": Follows(offset=25, slope=0.8, sd=14),
        "H1": Follows(("AG", "VA"), offset=5, slope=0.9, sd=18),
        "H2": Follows(offset=8, slope=0.4, sd=6, power=3, decimals=1),
        "H3": Follows(("EX",), offset=-5, slope=0.9, sd=22),
        "H4": Follows(("EX",), offset=12, slope=0.4, sd=6, power=2),
        "H5": Follows(("EX",), offset=0, slope=0.28, sd=4, power=2),
        "H6": Follows(("VB",), offset=0, slope=0.25, sd=4, power=2),
        "H7": Follows(offset=15, slope=0.8, sd=15),
        "H8": Follows(("VA",), offset=0, slope=0.7, sd=20),
    },
    coordinator_blocks=("H",),
    open_answers=(
        "[synthetisch] Te weinig tijd naast het gewone werk.",
        "[synthetisch] Gegevens staan verspreid over veel systemen.",
        "[synthetisch] Er is nog geen eigenaar aan de top.",
        "[synthetisch] Pilots stoppen zodra het projectgeld op is.",
        "[synthetisch] Kennis zit bij enkele mensen.",
        "[synthetisch] Onzekerheid over wat volgens de privacyregels mag.",
    ),
)
