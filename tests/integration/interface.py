"""Interface descriptions as varlink.org defines them: parsed, and values checked against their types."""

import pathlib
import re

INTERFACE_NAME = re.compile(r"[A-Za-z](-*[A-Za-z0-9])*(\.[A-Za-z0-9](-*[A-Za-z0-9])*)+")
FIELD_NAME = re.compile(r"[A-Za-z](_?[A-Za-z0-9])*")
MEMBER_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
TOKEN = re.compile(r"(?:\s+|#[^\n]*)|(->|\[string\]|\[\]|[(),:?]|[A-Za-z][A-Za-z0-9_.-]*)")
PLAIN = {"bool": bool, "int": int, "float": (int, float), "string": str, "object": dict}
INT_MAX = 2**63 - 1

# What org.varlink.service itself may answer, as the specification has it.
SERVICE_ERRORS = {
    "InterfaceNotFound": {"interface": "string"}, "MethodNotFound": {"method": "string"},
    "MethodNotImplemented": {"method": "string"}, "InvalidParameter": {"parameter": "string"},
    "PermissionDenied": {}, "ExpectedMore": {}}


class Mismatch(AssertionError):
    """A value is not what the interface says."""


class Interface:
    """`types`, `methods` and `errors` by name. A type is "string", ("?", type), ("[]", type),
    ("[string]", type), {field: type}, ["of", "an", "enum"] or the name of a type of the interface."""

    def __init__(self, text: str):
        self._tokens = _tokens(text)
        self.types: dict[str, object] = {}
        self.methods: dict[str, tuple[dict, dict]] = {}
        self.errors: dict[str, dict] = {}
        self._expect("interface")
        self.name = self._match(INTERFACE_NAME)
        while self._tokens:
            self._member()

    @classmethod
    def load(cls, path: pathlib.Path) -> "Interface":
        return cls(path.read_text())

    # Checks

    def check_reply(self, method: str, parameters: dict) -> None:
        """Of a method's full name; those of other interfaces are not ours to judge."""
        interface, _, name = method.rpartition(".")
        if interface == self.name:
            self.check(self.methods[name][1], parameters, f"the reply to {name}")

    def check_error(self, error: str, parameters: dict) -> None:
        interface, _, name = error.rpartition(".")
        known = self.errors if interface == self.name else SERVICE_ERRORS
        if name not in known or interface not in (self.name, "org.varlink.service"):
            raise Mismatch(f"no such error: {error}")
        self.check(known[name], parameters, f"the error {name}")

    def check(self, kind: object, value: object, where: str) -> None:
        if isinstance(kind, dict):
            self._check_struct(kind, value, where)
        elif isinstance(kind, list):
            _require(value in kind, value, f"one of {kind}", where)
        elif isinstance(kind, tuple):
            self._check_compound(kind, value, where)
        elif kind in PLAIN:
            _check_plain(kind, value, where)
        else:
            self.check(self.types[kind], value, where)

    def _check_struct(self, fields: dict, value: object, where: str) -> None:
        _require(isinstance(value, dict), value, "an object", where)
        if unknown := value.keys() - fields.keys():
            raise Mismatch(f"{where} has members that are not declared: {sorted(unknown)}")
        for name, kind in fields.items():
            if name in value:
                self.check(kind, value[name], f"{where}, {name}")
            elif not _optional(kind):
                raise Mismatch(f"{where} lacks {name}")

    def _check_compound(self, kind: tuple, value: object, where: str) -> None:
        how, inner = kind
        if how == "?":
            if value is not None:
                self.check(inner, value, where)
        elif how == "[]":
            _require(isinstance(value, list), value, "an array", where)
            for index, element in enumerate(value):
                self.check(inner, element, f"{where}[{index}]")
        else:
            _require(isinstance(value, dict), value, "a map", where)
            for name, element in value.items():
                self.check(inner, element, f"{where}[{name!r}]")

    # Parsing

    def _member(self) -> None:
        keyword, name = self._next(), self._match(MEMBER_NAME)
        taken = self.types.keys() | self.methods.keys() | self.errors.keys()
        assert name not in taken, f"{name} is declared twice"
        if keyword == "type":
            self.types[name] = self._struct_or_enum()
        elif keyword == "error":
            self.errors[name] = self._struct_or_enum()
        elif keyword == "method":
            taken_in = self._struct_or_enum()
            self._expect("->")
            self.methods[name] = taken_in, self._struct_or_enum()
        else:
            raise SyntaxError(f"neither type nor method nor error: {keyword}")

    def _struct_or_enum(self) -> object:
        self._expect("(")
        if self._peek() == ")":
            self._next()
            return {}
        if self._tokens[1] == ":":
            return self._struct()
        return self._list(lambda: self._match(FIELD_NAME))

    def _struct(self) -> dict:
        fields: dict[str, object] = {}

        def field() -> None:
            name = self._match(FIELD_NAME)
            assert name not in fields, f"{name} is declared twice"
            self._expect(":")
            fields[name] = self._type()

        self._list(field)
        return fields

    def _list(self, element) -> list:
        elements = [element()]
        while self._peek() == ",":
            self._next()
            elements.append(element())
        self._expect(")")
        return elements

    def _type(self) -> object:
        if self._peek() in ("?", "[]", "[string]"):
            how = self._next()
            inner = self._type()
            assert how != "?" or not _optional(inner), "an optional is optional twice"
            return how, inner
        if self._peek() == "(":
            return self._struct_or_enum()
        return self._next() if self._peek() in PLAIN else self._match(MEMBER_NAME)

    def _peek(self) -> str:
        if not self._tokens:
            raise SyntaxError("the description ends in the middle")
        return self._tokens[0]

    def _next(self) -> str:
        self._peek()
        return self._tokens.pop(0)

    def _expect(self, token: str) -> None:
        if (found := self._next()) != token:
            raise SyntaxError(f"{found!r} instead of {token!r}")

    def _match(self, pattern: re.Pattern) -> str:
        name = self._next()
        if not pattern.fullmatch(name):
            raise SyntaxError(f"{name!r} is not {pattern.pattern}")
        return name


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise SyntaxError(f"what is {text[position:position + 20]!r}?")
        if match[1]:
            tokens.append(match[1])
        position = match.end()
    return tokens


def _optional(kind: object) -> bool:
    return isinstance(kind, tuple) and kind[0] == "?"


def _check_plain(kind: str, value: object, where: str) -> None:
    right = isinstance(value, PLAIN[kind]) and isinstance(value, bool) == (kind == "bool")
    if right and kind == "int":
        right = -INT_MAX - 1 <= value <= INT_MAX
    _require(right, value, kind, where)


def _require(right: bool, value: object, what: str, where: str) -> None:
    if not right:
        raise Mismatch(f"{where} is {str(value)[:60]!r} and not {what}")
