"""Render the templates of a chapter: prose in Markdown, with facts filled in.

Templates run in a sandbox. They see the facts of their chapter by name, and a fact is worked out
only when it is used, so that one block needs only the tables behind it. A value stands in a text
through a filter that writes it: a bare number is an error, as are a number of units that no filter
wrote and a fact that does not exist. Texts of the study are made harmless in Markdown, once, when
they are printed.
"""

import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from functools import cache, partial, wraps
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.bccache import Bucket
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, missing
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import Namespace
from markupsafe import Markup

from cycle_analysis.problems import InputError, refuse
from cycle_analysis.report.document import Drawing
from cycle_analysis.report.door import UntoldError
from cycle_analysis.report.language import FILTERS, NUMBERS, Language
from cycle_analysis.report.sources import Printed, Source, Told, Word, made, sources_of

SUFFIX = ".md.j2"
SHEET = f"sheet{SUFFIX}"
"""The page for one unit, which is no chapter of a report."""
MACROS = f"macros{SUFFIX}"
"""Pieces of text that several chapters share; every template knows them as ``macros``."""
DEFAULT = "default"
"""Prefix by which a study's template names the one it replaces parts of."""
BUILT_IN = (
    *("batch", "default", "first", "groupby", "items", "last", "length", "list", "map", "reject"),
    *("rejectattr", "reverse", "select", "selectattr", "sort", "unique"),
)
"""Filters of Jinja that give no text, so that they cannot write a number."""
FILTERING = ("door.py", "language.py", "templates.py", "__init__.py", "filters.py", "sandbox.py")
"""Files through which a value of a template goes before it is printed."""
FACTS = " facts"
"""Where a context keeps the facts; no template can name it."""
COMMENTS: dict[str, Any] = {"comment_start_string": "{*", "comment_end_string": "*}"}
"""Not Jinja's own: ``{#key}`` ends a heading."""
_SPECIAL = re.compile(r"([\\`*_\[\]<>&#~|$])")
_OPENING = re.compile(r"^([-+=:]|\d+(?=[.)]))")
"""What Markdown reads as a list, a line or a container at the start of a line."""
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a\u202b\u202d\u202e\u2066\u2067\ud800-\udfff\ufffe\uffff]"
)
"""Characters that turn round the direction of whatever follows, or that files may not hold."""
OPENS, PARTS, CLOSES = "\ue000\ue001\ue002"
"""Stand around a number in the text of a chapter as it is read: its place in a list, and itself."""
_MARKED = re.compile(f"{OPENS}([0-9]+){PARTS}([^{OPENS}{CLOSES}]*){CLOSES}")


def escape(text: str) -> Markup:
    r"""Make a text harmless in Markdown.

    Examples
    --------
    >>> print(escape("a*b [c]"), escape("4. of May"), escape("- x"))
    a\*b \[c\] 4\. of May \- x
    """
    one_line = re.sub(r"[\r\n\t]+", " ", re.sub(f"[{OPENS}{PARTS}{CLOSES}]", "", text))
    plain = _SPECIAL.sub(r"\\\1", one_line)
    return Markup(_OPENING.sub(_opened, plain))


def _opened(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0][0].isdigit() else f"\\{found[0]}"


def unescape(text: str) -> str:
    r"""Undo `escape`, where a text is used as a name.

    Examples
    --------
    >>> unescape(r"w\_1")
    'w_1'
    """
    return re.sub(r"\\([\W_])", r"\1", text)


class Generator(CodeGenerator):
    """Compile templates that do not glue values to texts, where numbers would slip through."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        """Refuse ``~``."""
        self.fail("`~` glues values together; write them one after another", node.lineno)


class Facts(Context):
    """Names of a template: its own, then those of its chapter, worked out when used."""

    def resolve_or_missing(self, key: str) -> Any:
        """Give a value by its name."""
        found = super().resolve_or_missing(key)
        facts = self.parent.get(FACTS)
        return facts[key] if found is missing and facts is not None and key in facts else found


class Sandbox(SandboxedEnvironment):
    """The room that templates run in: facts, filters and blocks, and nothing to call besides."""

    context_class = Facts
    code_generator_class = Generator

    def is_safe_callable(self, obj: Any) -> bool:
        """Whether a template may call something: macros, blocks and loops only."""
        return isinstance(obj, (Macro, BlockReference, LoopContext)) or obj is Namespace

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Give an attribute; of mappings an entry, so that ``fact.items`` is one too."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


class Compiled(jinja2.BytecodeCache):
    """Keep what templates compile to: a notebook tells many blocks of one chapter."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what is known of a template; Jinja checks that its text is still the same."""
        if bucket.key in self.known:
            bucket.bytecode_from_string(self.known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what a template compiled to."""
        self.known[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()


ALSO: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "date": lambda _: (Source("wave.yaml", "", "fieldwork"),),
    "share": lambda units: (getattr(units, "_of", None),),
    "mean_interval": lambda mean: (mean._low, mean._high),
}
"""What a filter prints besides the value itself."""


class UnsourcedError(UntoldError):
    """A number was about to be printed of which nobody knows where it comes from."""


def make_sandbox(language: Language, origins: list[Any] | None = None) -> Sandbox:
    """Make the room for the templates of a language; those of a study go before the package's.

    With a list for origins every number must have a source: it is printed between marks with its
    place in that list, where its sources stand and how it was made of them.
    """
    own = {DEFAULT: jinja2.FileSystemLoader(language.folders[-1])}
    loaders = [jinja2.FileSystemLoader(folder) for folder in language.folders]
    sandbox = Sandbox(
        loader=jinja2.ChoiceLoader([*loaders, jinja2.PrefixLoader(own)]),
        bytecode_cache=COMPILED,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=finalize if origins is None else partial(_mark, origins),
        **COMMENTS,
    )
    sandbox.filters = {name: sandbox.filters[name] for name in BUILT_IN}
    writing = {name: _told_first(getattr(language, name)) for name in FILTERS}
    if origins is not None:
        writing = {name: _tracing(name, write, origins) for name, write in writing.items()}
    sandbox.filters |= writing
    sandbox.tests |= language.tests
    sandbox.globals = {"words": language.words, "namespace": Namespace}
    if any((folder / MACROS).is_file() for folder in language.folders):
        with explained():
            sandbox.globals["macros"] = sandbox.get_template(MACROS).module
    return sandbox


def _told_first(write: Callable[..., str]) -> Callable[..., str]:
    """Let a filter say that its value does not exist, rather than that it is of a wrong kind."""

    @wraps(write)
    def write_known(value: Any, *options: Any, **named: Any) -> str:
        if isinstance(value, jinja2.Undefined):
            str(value)
        return write(value, *options, **named)

    return write_known


def _tracing(name: str, write: Callable[..., str], origins: list[Any]) -> Callable[..., str]:
    """Let what a filter writes keep the sources of what it was given; refuse a number without."""

    def write_sourced(value: Any, *options: Any, **named: Any) -> str:
        if name == "listed":
            return Markup(write([_mark(origins, part) for part in value]))
        text = write(value, *options, **named)
        known = sources_of([value, *options, *ALSO.get(name, lambda _: ())(value)])
        if not known and name in NUMBERS and re.search(r"\d" if name != "spelled" else "", text):
            told = f"{text} is printed by |{name} without a source"
            raise UnsourcedError(f"{told}; take it from a table, or say what it was made of")
        hows = dict.fromkeys((getattr(value, "how", ""), name if name in NUMBERS else ""))
        return made(text, *known, how=", ".join(filter(None, hows))) if known else text

    return write_sourced


def _mark(origins: list[Any], value: Any) -> Markup:
    """Print a value, and a number between marks."""
    told = finalize(value)
    if not isinstance(value, Word):
        return told
    origins.append((value.sources, value.how))
    return Markup(f"{OPENS}{len(origins) - 1}{PARTS}{told}{CLOSES}")


def finalize(value: Any) -> Markup:
    """Print what an expression gives: text, made harmless; nothing else."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, jinja2.Undefined):  # an if without else, or a name that does not exist
        return Markup(str(value))
    kind = type(value).__name__
    raise UntoldError(f"a {kind} stands in a text without a filter that writes it, such as |number")


def render(sandbox: Sandbox, chapter: str, facts: Mapping[str, Any]) -> str:
    """Render a chapter as Markdown."""
    with explained():
        return sandbox.get_template(f"{chapter}{SUFFIX}").render({FACTS: facts})


def render_block(sandbox: Sandbox, chapter: str, block: str, facts: Mapping[str, Any]) -> str:
    """Render one block of a chapter, as a notebook prints it.

    Raises
    ------
    ValueError
        When the chapter has no such block.
    """
    with explained():
        context = _with_blocks(sandbox, chapter, facts)
        if block not in context.blocks:
            known = sorted(context.blocks)
            raise ValueError(f"{chapter!r} has no block {block!r}; choose from {known}")
        try:
            return "".join(context.blocks[block][0](context)).strip()
        except Exception:
            sandbox.handle_exception()  # gives lines of the template, not of what it compiles to


def has_block(sandbox: Sandbox, chapter: str, block: str) -> bool:
    """Whether a chapter has a block of this name."""
    with explained():
        return block in _with_blocks(sandbox, chapter, {}).blocks


def _with_blocks(sandbox: Sandbox, chapter: str, facts: Mapping[str, Any]) -> Context:
    """Open a chapter with its blocks, and those of the templates that it replaces parts of."""
    name = f"{chapter}{SUFFIX}"
    context = sandbox.get_template(name).new_context({FACTS: facts})
    while sandbox.loader and (name := _extended(sandbox.loader.get_source(sandbox, name)[0])):
        for block, function in sandbox.get_template(name).blocks.items():
            context.blocks.setdefault(block, []).append(function)
    return context


@cache  # a notebook tells many blocks of one chapter
def _extended(source: str) -> str:
    """Name the template that this one replaces parts of; empty if it stands on its own."""
    if "extends" not in source:
        return ""
    above = jinja2.Environment(**COMMENTS).parse(source).find(nodes.Extends)
    return str(above.template.as_const()) if above else ""


@contextmanager
def explained() -> Iterator[None]:
    """Tell what is wrong in a template by its file and line, rather than by a traceback.

    What goes wrong in the Python of a chapter stays as it is.
    """
    try:
        yield
    except Exception as error:
        known = isinstance(error, InputError)  # says already what is wrong, and where
        if known or (not isinstance(error, jinja2.TemplateError) and not _in_template(error)):
            raise
        file, line = _place(error)
        named = "/".join(("texts", *Path(file).parts[-2:])) if file else "texts"
        told = str(error).rstrip(".") or type(error).__name__
        if isinstance(error, jinja2.TemplateNotFound):
            told = f"the template {error.name!r} does not exist"
        where = f"line {line}" if line else "template"
        given = ""
        if isinstance(error, UnsourcedError):
            given = Path(file).read_text("utf-8").splitlines()[line - 1].strip()
        raise refuse(named, where, given, told) from None


def _in_template(error: Exception) -> bool:
    """Whether an expression of a template went wrong, and no fact of a chapter."""
    frames = traceback.extract_tb(error.__traceback__)
    while frames and frames[-1].filename.endswith(FILTERING):
        frames.pop()
    return bool(frames) and frames[-1].filename.endswith(SUFFIX)


def _place(error: Exception) -> tuple[str, int]:
    if isinstance(error, jinja2.TemplateSyntaxError):
        return str(error.filename or error.name or ""), error.lineno
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.endswith(SUFFIX):
            return frame.filename, frame.lineno or 0
    return "", 0


def unmarked(text: str) -> str:
    """Give a text without the marks of its numbers."""
    return _MARKED.sub(r"\2", text)


def legible(part: Any, origins: Sequence[Any] = ()) -> Any:
    r"""Show what cannot be seen in every text of a document, or of a part of one.

    Numbers that are marked get their origin: sources, and how they were made of them.

    Examples
    --------
    >>> from cycle_analysis.report.document import Heading
    >>> legible((Heading(1, "start", "A\u202eB"), "a\x01"))
    (Heading(level=1, key='start', text='A[U+202E]B'), 'a[U+0001]')
    """
    if isinstance(part, str):
        text = _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", part)
        return _told(text, origins) if OPENS in text else text
    if isinstance(part, tuple):
        return tuple(legible(one, origins) for one in part)
    if isinstance(part, dict):
        return {name: legible(value, origins) for name, value in part.items()}
    if is_dataclass(part) and not isinstance(part, (Drawing, type)):
        values = {f.name: legible(getattr(part, f.name), origins) for f in fields(part)}
        return replace(part, **values)
    return part


def _told(text: str, origins: Sequence[Any]) -> Told:
    """Take the marks away, and keep where numbers stand."""
    plain, numbers, end = "", [], 0
    for found in _MARKED.finditer(text):
        plain += text[end : found.start()]
        numbers.append(Printed(len(plain), len(plain) + len(found[2]), *origins[int(found[1])]))
        plain, end = plain + found[2], found.end()
    told = Told(plain + text[end:])
    told.numbers = tuple(numbers)
    return told
