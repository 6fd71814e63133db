"""See what an export asks: its items by their headings, and their scales; and columns of none.

Labels of the file tell a scale. Without labels the numbers do that occur in a block of items, if
they are a usual scale of which most items show both ends; else they are only likely. Questions of
which each is a block of its own, as forms ask them, go together where the same answers stand.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pandas as pd
import yaml

from cycle_analysis.problems import first_five
from cycle_analysis.readers import RawTable
from cycle_analysis.responses import (
    CODE_IN_LABEL,
    MOST_PERCENT,
    NUMBER,
    declared_missing,
    find_personal,
    hide_personal,
    label_reason,
    split_code,
    without_marks,
)
from cycle_analysis.responses.checks import numbered_codes
from cycle_analysis.responses.respondents import stripped
from cycle_analysis.study.codebook import as_code
from cycle_analysis.study.files import RESPONDENT_FIELDS, missing_reason, normalise

SHARED = 1.5
"""Respondents to a name, on average, from which it may be that of a unit."""
MOST_LABELS, LONGEST = 12, 200
"""A column with more different texts than this, or a longer one, is an open question."""
FEWEST = 3
"""A rating has as many steps, and a block of ratings as many items."""
LOWEST, HIGHEST = (0, 1), (3, 4, 5, 6, 7, 10, 100)
"""Ends of the usual scales."""
GAP, MOST_WORDS = 2, 2
NO_ANSWER = re.compile(r"-\d+|[6-9]|[6-9][6-9]|9{1,3}[6-9]|(?P<digit>[78])(?P=digit){2,3}")
"""A code like these, and so far beyond the others, is likely one for no answer."""
CODE = re.compile(r"[A-Za-z]\w{0,29}", re.ASCII)
CODE_FIRST = re.compile(r"([A-Za-z]+[._-]?\d+[a-z]?(?:[._-]\d+)*)(?:$|[.:]?\s)", re.ASCII)
"""Begin of a heading that is a code, or a code and its question."""
IN_BRACKETS = re.compile(r".*\[([^\[\]]+)\]", re.DOTALL)
"""How LimeSurvey writes a question within a question; Qualtrics and SPSS use the marks below."""
WITHIN = re.compile(r"(\w+?)(?:\[(?:SQ)?|_SQ)(\w+)\]?(?:\.\s.*)?", re.DOTALL)
NUMBERED = re.compile(
    r"^(?!(?:vraag|stelling|question|statement|item)\b)(\w+?)[._ -]?\d+(?:[.:]\s+|$)", re.IGNORECASE
)
"""Begin of a heading in which a block has a name, however long, and a number: ``Starting 2. …``."""
MARKS = (" - ", ": ", "? ")
CODED = re.compile(r"(\w+)\.\s")
KNOWN_COLUMNS = yaml.safe_load(Path(__file__).with_name("known_columns.yaml").read_text("utf-8"))
"""Patterns of headings that are no items."""
USUAL_NAMES = {what: "|".join(names) for what, names in KNOWN_COLUMNS["usual"].items()}
ASKS_FOR_ROLE = re.compile(r"\b(?:functie|rol|role|function|position)\b", re.IGNORECASE)
SERVICE = re.compile("|".join(KNOWN_COLUMNS["service"]), re.IGNORECASE)
"""Columns that survey tools add and no codebook asks."""
DAY = re.compile(r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})(?:[ T].*)?$")
MOST_STEPS = 11
"""An answer that rises by one from row to row more often than this is none."""
WEIGHT = re.compile(r"(?i)(\w+[ _])?(we(eg|gings)factor|weging|gewicht|d?weights?|(psp)?wg?h?ts?)")
"""A column of weights by its name or question, when it holds numbers."""
UNUSED = "weights of respondents are not used: units are weighed by the population"
WORDY = re.compile(r"e-?mail.*|name|naam|location", re.IGNORECASE)
"""Those of words: with numbers alone they are questions."""
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Answers:
    """What stands in one column.

    Attributes
    ----------
    texts : tuple of str
        The different answers, without those that are none.
    labels, missing : dict of str to str
        By code: labels of answers, and of what the file says is none.
    percent : bool
        Whether percent signs stand behind its numbers.
    words : tuple of str
        The few that stand among numbers without being one.
    bare : bool
        Whether answers are codes of letters and a number, of which no words say what they mean.
    """

    texts: tuple[str, ...]
    labels: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    percent: bool = False
    words: tuple[str, ...] = ()
    bare: bool = False

    @property
    def numbers(self) -> list[float]:
        """The codes in order, when all of them are numbers; else none."""
        codes = {*self.texts, *self.labels}
        if not all(NUMBER.fullmatch(code) for code in codes):
            return []
        return sorted(float(code.replace(",", ".")) + 0.0 for code in codes)  # -0 is 0


@dataclass(frozen=True)
class SeenScale:
    """A scale as far as answers show it.

    Attributes
    ----------
    kind : str
        As in study.yaml.
    ends : tuple of float
        Lowest and highest answer of a rating, else empty.
    labels, missing : tuple of (str, str)
        Codes and their labels; the label is ``""`` where only a person knows it.
    likely_missing : tuple of str
        Codes that stand far from the others, and the few words that stand among numbers.
    sure : bool
        Whether the ends can be filled in unseen.
    shared : bool
        Whether most of its items show both ends, or may do so: else each may have its own scale.
    bare : bool
        Whether its labels are codes too, so that some may stand for no answer.
    """

    kind: str
    ends: tuple[float, ...] = ()
    labels: Labels = ()
    missing: Labels = ()
    likely_missing: tuple[str, ...] = ()
    sure: bool = True
    shared: bool = True
    bare: bool = False

    @property
    def spans(self) -> tuple[object, ...]:
        """All that answers show of it; scales alike in this are one, if one of them is sure."""
        return (self.kind, self.ends, self.labels, self.missing, self.likely_missing)


@dataclass(frozen=True)
class SeenItem:
    """One item of the export: its code, column, block, question (``""`` if unknown) and scale."""

    item: str
    column: str
    block: str
    question: str
    scale: SeenScale


def see_items(raw: RawTable, columns: Sequence[str]) -> list[SeenItem]:
    """See the items of an export.

    Parameters
    ----------
    raw : RawTable
    columns : sequence of str
        Those that may be items: neither who answered nor what a survey tool adds.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({"AG_1": ["1", "5"], "AG_2": ["1", "5"]}, dtype="category")
    >>> [(one.item, one.block) for one in see_items(RawTable("a.csv", cells, ""), ["AG_1", "AG_2"])]
    [('AG_1', 'AG'), ('AG_2', 'AG')]
    """
    named = name_items(columns)
    answers = {column: see_answers(raw, column) for column in columns}
    questions = _questions(raw, columns)
    kin = _kin(answers, {column: named[column][1] for column in columns})
    alike: dict[tuple[object, bool, tuple[object, ...]], list[str]] = {}
    shared = Counter((kin[column], text) for column in columns for text in answers[column].texts)
    for column in columns:
        seen, block = answers[column], kin[column]
        alone = not seen.labels and all(shared[block, text] == 1 for text in seen.texts)
        many = len(seen.texts) > MOST_LABELS or max(map(len, seen.texts), default=0) > LONGEST
        own = (alone and _in_own_words(raw, column)) or _mostly_personal(_given(raw, column))
        is_open = not seen.numbers and (many or bool(own))
        shape = (bool(seen.numbers), *sorted(raw.labels.get(column, {}).values()))
        alike.setdefault((block, is_open, shape), []).append(column)
    scales: dict[str, SeenScale] = {}
    for (_, is_open, _), those in alike.items():
        scale = SeenScale("text") if is_open else see_scale([answers[c] for c in those])
        apart = scale.kind == "rating" and not scale.sure and not scale.shared
        scales |= {c: see_scale([answers[c]]) if apart else scale for c in those}
    told = {scale.spans: scale for scale in scales.values() if scale.sure and scale.ends}
    scales = {column: told.get(scale.spans, scale) for column, scale in scales.items()}
    return [SeenItem(named[c][0], c, named[c][1], questions[c], scales[c]) for c in columns]


def _in_own_words(raw: RawTable, column: str) -> bool:
    """Whether respondents wrote what they liked: hardly two the same, or what looks personal."""
    counts = _given(raw, column)
    return bool(find_personal(counts)) or counts.sum() < 2 * len(counts)


def _mostly_personal(counts: "pd.Series[int]") -> str:
    """What is personal in over a fifth of the cells of a column, ``""`` where nothing is."""
    personal = find_personal(counts)
    most = max(personal.values(), default=0)
    return next(iter(personal)) if most > 0.2 * counts.sum() else ""


def may_name_units(raw: RawTable, column: str) -> bool:
    """Whether a column holds many names, which several respondents share or each row another."""
    counts, labels = _given(raw, column), raw.labels.get(column, {})
    are_names = not any(NUMBER.fullmatch(labels.get(text, text)) for text in counts.index)
    shared, one_each = counts.sum() >= SHARED * len(counts), len(counts) == len(raw.cells)
    return are_names and len(counts) > MOST_LABELS and (shared or one_each)


def _given(raw: RawTable, column: str) -> "pd.Series[int]":
    """Count each text of a column."""
    counts = stripped(raw, column).value_counts()
    return counts.drop("", errors="ignore").loc[lambda counts: counts > 0]


def _kin(answers: dict[str, Answers], blocks: dict[str, str]) -> dict[str, object]:
    """Give what a column shares with those of its scale: a block, or answers seen in several."""
    sizes, given = Counter(blocks.values()), dict[str, frozenset[str]]()
    for column, block in blocks.items():
        texts = frozenset(map(normalise, answers[column].texts))
        if sizes[block] == 1 or not answers[column].numbers:
            given[block] = given.get(block, frozenset()) | texts
    times = Counter(given[block] for block in blocks.values() if block in given)
    usual = [texts for texts, n in times.most_common() if n >= FEWEST <= len(texts) <= MOST_LABELS]
    shared = {
        block: next((texts for texts in usual if len(own) >= FEWEST and own <= texts), None)
        for block, own in given.items()
    }
    return {column: shared.get(block) or block for column, block in blocks.items()}


def name_items(columns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Give each column the code of its item and of its block.

    Codes come from the heading; where that is a question, they are numbers.

    Examples
    --------
    >>> name_items(["AG[SQ001]", "Q1_2", "C[EX1]", "How far? [Pilots]", "How far? [Data]"])
    ... # doctest: +NORMALIZE_WHITESPACE
    {'AG[SQ001]': ('AG1', 'AG'), 'Q1_2': ('Q1_2', 'Q1'), 'C[EX1]': ('EX1', 'EX'),
     'How far? [Pilots]': ('V1_1', 'V1'), 'How far? [Data]': ('V1_2', 'V1')}
    """
    named: dict[str, tuple[str, str]] = {}
    taken, stems = {name.casefold() for name in RESPONDENT_FIELDS}, dict[str, list[str]]()
    own = {c: as_code(part[1] if (part := CODE_FIRST.match(c)) else c, columns) for c in columns}
    times = Counter(own.values())
    for column in columns:
        part = WITHIN.fullmatch(column)
        code = own[column] if times[own[column]] == 1 else column
        block = re.sub(r"_?\d+[a-z]?$", "", code)
        if part and part[2].isdecimal():
            code, block = f"{part[1]}{int(part[2])}", part[1]
            code = f"{part[1]}_{part[2]}" if code.casefold() in taken else code
        elif part and CODE.fullmatch(part[2]):
            code, block = part[2], re.sub(r"_?\d+[a-z]?$", "", part[2])
        if not CODE.fullmatch(code) or code.casefold() in taken:
            stem = part[1] if (part := NUMBERED.match(column.strip())) else column
            stem = column[: column.rindex("[")] if IN_BRACKETS.fullmatch(column.strip()) else stem
            asked = stems.setdefault(stem, [])
            asked.append(column)
            block = f"V{list(stems).index(stem) + 1}"
            code = f"{block}_{len(asked)}"
        taken.add(code.casefold())
        named[column] = code, block
    return named


def _questions(raw: RawTable, columns: Sequence[str]) -> dict[str, str]:
    """Give the question of each column: what is asked last, where that tells it from the others."""
    whole = {c: one_line(raw.questions.get(c, c)) for c in columns}
    alone = [c for c, text in whole.items() if text == c and _is_code(c)]
    whole |= dict.fromkeys(alone, "")
    last = {}
    for column, all_of_it in whole.items():
        text = NUMBERED.sub("", all_of_it) or all_of_it
        part = IN_BRACKETS.fullmatch(text)
        mark = next((mark for mark in MARKS if mark in text), "")
        last[column] = part[1] if part else text.rsplit(mark, 1)[-1] if mark else text
    asked = list(last.values())
    return {c: last[c] if asked.count(last[c]) == 1 else whole[c] for c in columns}


def _is_code(heading: str) -> bool:
    """Whether a heading is a code alone, also with the number of a part: ``SIG[SQ001]``."""
    part = WITHIN.fullmatch(heading)
    return bool(CODE.fullmatch(as_code(heading)) or (part and part[2].isdecimal()))


def see_answers(raw: RawTable, column: str) -> Answers:
    """Read what stands in one column: its labels, codes before labels, and codes for no answer.

    Texts that differ in capitals and spaces alone are one, in its most usual spelling.
    """
    labels = {
        code.strip(): CODE_IN_LABEL.sub("", label).strip() or label
        for code, label in raw.labels.get(column, {}).items()
        if label.strip("-. ")
    }
    given, bare, percent = stripped(raw, column), False, False
    spelled = given.cat.categories if labels else _unlike(given.value_counts().index[::-1])
    reason = missing_reason if any(map(NUMBER.match, spelled)) else label_reason
    texts = [text for text in spelled if not reason(text) and text.strip("-. ")]
    coded = sorted((text, "") if NUMBER.fullmatch(text) else split_code(text) for text in texts)
    if coded and coded[0][0] and not all(map(NUMBER.fullmatch, texts)):
        labels |= {code: hide_personal(words) for code, words in coded if words}
        texts = list(dict.fromkeys(code for code, _ in coded))
    elif len(texts) <= MOST_LABELS and not labels and (codes := numbered_codes(texts)):
        labels, texts, bare = codes, list(codes), True
    plain = list(dict.fromkeys(map(without_marks, texts)))
    if plain != texts and all(map(NUMBER.fullmatch, plain)):
        texts, percent = plain, not all(text[-1].isdigit() for text in texts)
    declared = raw.missing.get(column, [])
    missing = {
        code: labels.get(code, code)
        for code in dict.fromkeys([*labels, *texts])
        if label_reason(labels.get(code, code)) or declared_missing(code, declared)
    }
    given = [text for text in texts if text not in missing]
    labels = {code: text for code, text in labels.items() if code not in missing}
    words = [text for text in given if not NUMBER.fullmatch(text)]
    if labels or len(words) > MOST_WORDS or len(given) - len(words) < FEWEST:
        words = []
    given = [text for text in given if text not in words]
    return Answers(tuple(given), labels, missing, percent, tuple(words), bare)


def _unlike(texts: Iterable[str]) -> list[str]:
    """Texts that differ in more than capitals and spaces, each as it is spelled last."""
    return sorted({normalise(text): text for text in texts}.values())


def see_scale(columns: Sequence[Answers]) -> SeenScale:
    """Tell the scale of columns of one block that are answered alike."""
    labels = {code: label for one in reversed(columns) for code, label in one.labels.items()}
    missing = {code: label for one in columns for code, label in one.missing.items()}
    numbers = sorted({number for one in columns for number in one.numbers})
    told = tuple(labels.items()), tuple(missing.items())
    if not all(one.numbers for one in columns if one.texts or one.labels) or not numbers:
        return _of_words(columns, *told)
    if any(one.percent for one in columns):
        if len(columns) >= FEWEST and numbers[0] >= 0 and numbers[-1] <= MOST_PERCENT:
            return SeenScale("rating", (0, MOST_PERCENT), missing=told[1])
        return SeenScale("number", missing=told[1])
    if not labels and _are_sliders(columns):
        return SeenScale("rating", (0, MOST_PERCENT), missing=told[1], sure=False)
    answers, far = _without_far(numbers, {float(code) for code in labels if NUMBER.fullmatch(code)})
    far += tuple(dict.fromkeys(word for one in columns for word in one.words))
    only_ends = len(labels) < len(answers)
    if len(answers) < FEWEST or (labels and not only_ends and len(columns) < FEWEST):
        known = labels or {f"{number:.15g}": "" for number in answers}
        return SeenScale("category", (), tuple(known.items()), told[1], far)
    if len(columns) < FEWEST and not labels:
        return SeenScale("number", (), (), told[1], far)
    ends = answers[0], answers[-1]
    n_both = sum(bool(one.numbers) and set(ends) <= set(one.numbers) for one in columns)
    usual, most = ends[0] in LOWEST and ends[1] in HIGHEST, n_both >= len(columns) / 2
    bare = any(one.bare for one in columns)
    told_ends = {f"{end:g}" for end in ends} <= set(labels)
    sure = not bare and (told_ends or (usual and most and not labels))
    return SeenScale("rating", ends, *told, far, sure, shared=bare or usual or most, bare=bare)


def _are_sliders(columns: Sequence[Answers]) -> bool:
    """Whether a block has very many different answers, from 0 on to over half of 100."""
    numbers = [number for one in columns for number in one.numbers]
    many = len(columns) >= FEWEST and all(len(one.numbers) > MOST_LABELS for one in columns)
    return many and min(numbers) >= 0 and MOST_PERCENT / 2 < max(numbers) <= MOST_PERCENT


def _of_words(columns: Sequence[Answers], labels: Labels, missing: Labels) -> SeenScale:
    """Tell the scale of answers in words; the order of a rating is a person's to give."""
    words = _unlike(hide_personal(text) for one in columns for text in one.texts)
    ticked = all(len(one.texts) < FEWEST for one in columns)
    if not words and not labels:
        return SeenScale("text")
    if len(columns) >= FEWEST and len(words) >= FEWEST and not labels and not ticked:
        return SeenScale("rating", (1, len(words)), tuple(("", word) for word in words), missing,
                         sure=False)  # fmt: skip
    codes = ((f"{place}", word) for place, word in enumerate(words, start=1))
    return SeenScale("category", (), labels or tuple(codes), missing)


def _without_far(
    numbers: Sequence[float], labelled: set[float]
) -> tuple[list[float], tuple[str, ...]]:
    """Answers without the codes that no label tells and that stand far from all others.

    Examples
    --------
    >>> _without_far([1, 2, 3, 4, 5, 8, 99], set())
    ([1, 2, 3, 4, 5], ('8', '99'))
    """
    kept = list(numbers)
    steps = [after - before for before, after in pairwise(kept)]
    place = next((i for i, step in enumerate(steps[1:], 2) if step > GAP), len(kept))
    if place < FEWEST:
        return kept, ()
    low = 1 if steps[0] > GAP and kept[0] < 0 else 0
    far = [number for number in (*kept[:low], *kept[place:]) if number not in labelled]
    if not all(NO_ANSWER.fullmatch(f"{number:g}") for number in far):
        return kept, ()
    return [n for n in kept if n not in far], tuple(f"{number:g}" for number in far)


def likely_days(raw: RawTable) -> str:
    """First and last day in a column of dates that the survey tool adds, ``""`` without one."""
    for column in raw.cells.columns:
        if not any(word in column.casefold() for word in ("start", "submit", "recorded", "datum")):
            continue
        texts = raw.cells[column].astype("str")
        days = texts.str.extract(r"^(\d{4}-\d{2}-\d{2})")[0].dropna()
        if len(days) > 0.5 * len(texts):
            return f"{days.min()} to {days.max()}, from column {one_line(column)}"
    return ""


def told_of(raw: RawTable) -> list[str]:
    """What a file tells beside its answers: what was noticed, and cells that are no answers."""
    told = [f"{note.problem}" + (f" ({note.value})" if note.value else "") for note in raw.notes]
    told += [f"column {c}: {UNUSED}" for c in raw.cells if _is_weight(raw, str(c))]
    asked = [c for c in raw.flaws["column"].unique() if not why_no_item(raw, c)]
    of_items = raw.flaws[raw.flaws["column"].isin(asked)]
    for problem, cells in of_items.groupby("problem", sort=False):
        columns = first_five(cells["column"].unique().tolist())
        told.append(f"{len(cells)} x {problem} (column {columns}): `check` will refuse that")
    return told


def one_line(text: str) -> str:
    """A text without line ends and double spaces, for a comment."""
    return " ".join(str(text).split())


def named_as(field: str, column: str) -> bool:
    """Whether a column has one of the usual names of a respondent field."""
    plain = (re.sub(r"[\W_]", "", as_code(name).casefold()) for name in _names(column))
    return any(re.fullmatch(USUAL_NAMES[field], name) for name in plain)


def _names(column: str) -> list[str]:
    """Give a heading, and the code with which LimeSurvey begins it: ``id. Response ID``."""
    coded = CODED.match(column.strip())
    return [column.strip(), *([coded[1]] if coded else [])]


def _is_weight(raw: RawTable, column: str) -> bool:
    """Whether a column has the name of a weight and holds numbers alone."""
    given, names = set(_given(raw, column).index), (column, raw.questions.get(column, ""))
    named = any(WEIGHT.fullmatch(name.strip()) for name in names)
    return bool(given) and named and all(map(NUMBER.fullmatch, given))


def why_no_item(raw: RawTable, column: str) -> str:
    """Why a column needs no item: the survey tool adds it, or it holds personal data."""
    counts = raw.cells[column].value_counts().loc[lambda counts: counts > 0]
    given = {text.strip() for text in counts.index} - {""}
    if personal := _mostly_personal(counts):
        return personal
    for name in _names(column):
        is_wordless = WORDY.fullmatch(name) and all(map(NUMBER.fullmatch, given))
        if SERVICE.fullmatch(name) and not is_wordless:
            return "added by the survey tool"
    if _is_weight(raw, column):
        return UNUSED
    if given and all(map(DAY.match, given)):
        return "days or times"
    if len(given) == 1 and counts.sum() == len(raw.cells) > MOST_STEPS and "" not in counts:
        return "the same in every row" * (not NUMBER.fullmatch(*given))
    steps = pd.to_numeric(raw.cells[column].astype("str"), errors="coerce").diff()[1:]
    if len(steps) > MOST_STEPS and (steps == 1).all():
        return "numbers the rows"
    return "" if given else "empty"
