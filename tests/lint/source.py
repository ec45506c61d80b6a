"""What the checks share: findings, the files of a tree, and C text taken apart as far as they need it."""

import pathlib
import re
from typing import Iterator, NamedTuple

NOT_OURS = {".git", "build", "__pycache__", ".pytest_cache"}


class Finding(NamedTuple):
    path: str
    line: int       # 0: the file as a whole
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


class Function(NamedTuple):
    name: str
    line: int
    lines: int
    parameters: int


def files(tree: pathlib.Path, *endings: str) -> Iterator[pathlib.PurePath]:
    """Relative to the tree, sorted. Without endings all of them."""
    for path in sorted(tree.rglob("*")):
        relative = path.relative_to(tree)
        if path.is_file() and not NOT_OURS.intersection(relative.parts):
            if not endings or relative.name.endswith(endings):
                yield relative


def read(tree: pathlib.Path, path: str | pathlib.PurePath) -> str:
    return (tree / path).read_text(errors="replace")


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def without_comments(text: str) -> str:
    """Blanks instead, so that positions stay."""
    pattern = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*'
    return re.sub(pattern, lambda m: _blank(m[0]) if m[0][0] == "/" else m[0], text, flags=re.DOTALL)


def code_only(text: str) -> str:
    """Neither comments nor strings nor the preprocessor's lines."""
    text = re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', lambda m: _blank(m[0]), without_comments(text))
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: _blank(m[0]), text, flags=re.MULTILINE)


def functions(text: str) -> Iterator[Function]:
    """The functions that a C file defines."""
    code = code_only(text)
    start = depth = opened = 0
    for match in re.finditer(r"[{};]", code):
        if match[0] == "{":
            if depth == 0:
                opened = match.start()
            depth += 1
        elif match[0] == "}":
            depth -= 1
            if depth == 0:
                function = _function(code, start, opened, match.end())
                if function:
                    yield function
                start = match.end()
        elif depth == 0:
            start = match.end()


def _function(code: str, start: int, opened: int, end: int) -> Function | None:
    """Of what stands between start and end, if it is one: the brace comes behind a list of parameters."""
    head = code[start:opened].rstrip()
    if not head.endswith(")"):
        return None

    first = start + len(code[start:opened]) - len(code[start:opened].lstrip())
    opening = _opening(head)
    name = re.search(r"(\w+)\s*$", head[:opening])
    line = line_of(code, first)
    return Function(name[1] if name else "?", line, line_of(code, end) - line + 1,
                    _count_parameters(head[opening + 1:-1]))


def _opening(head: str) -> int:
    """Where the parenthesis opens that closes at the end."""
    depth = 0
    for position in range(len(head) - 1, -1, -1):
        depth += (head[position] == ")") - (head[position] == "(")
        if depth == 0:
            return position
    return 0


def _count_parameters(text: str) -> int:
    text = text.strip()
    if text in ("", "void"):
        return 0
    depth, count = 0, 1
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        count += character == "," and depth == 0
    return count - text.endswith("...")


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
