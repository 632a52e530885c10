"""Request number n of a seed: which protocol, valid or what is wrong with it, and how the client behaves. Pure.

Everything comes from a generator of its own for each number, so a case can be made again without those before it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from .. import access
from . import broken, raw, valid
from .monsters import MONSTERS, packed
from .requests import Answer, Case, Check, Request, refused
from .target import Target
from .valid import Made

# How often each, in percent.
SHARES = {
    "valid": 42, "body": 18, "monster": 10, "packed": 2, "head": 9, "framing": 4, "raw": 7, "large": 1, "leaving": 6,
    "slow": 1,
}  # fmt: skip
# Most bytes of a monster, and of what is packed once it is unpacked.
LARGEST, UNPACKED = 300_000, 16 * 2**20
SLOW_PAUSE, DRIP_PAUSE = 0.05, 0.02
_ASKING = (valid.predict, valid.v2_json, valid.v2_binary, valid.invocations, valid.v1)


class Cases:
    """The cases of one seed against one target."""

    def __init__(self, target: Target, seed: int) -> None:
        self._target, self._seed = target, seed
        self._makers: dict[str, Callable[[int, random.Random], Case]] = {
            "valid": self._valid,
            "body": self._body,
            "monster": self._monster,
            "packed": self._packed,
            "head": self._head,
            "framing": self._framing,
            "raw": self._raw,
            "large": self._large,
            "leaving": self._leaving,
            "slow": self._slow,
        }

    def make(self, number: int) -> Case:
        """Case `number`, the same every time."""
        rng = generator(self._seed, number)
        (kind,) = rng.choices([*SHARES], [*SHARES.values()])
        return self._makers[kind](number, rng)

    def _valid(self, number: int, rng: random.Random) -> Case:
        match rng.randrange(10):
            case 0:
                return self._piped(number, rng)
            case 1:
                request, check = self._asking(rng)
                whole = request.chunked(rng.randint(1, 2000))
                return Case(number, request.protocol, "valid, chunked", (whole,), (check,))
            case 2:
                request, check = self._asking(rng)
                return Case(
                    number, request.protocol, "valid, in pieces", _pieces(rng, request), (check,), pause=SLOW_PAUSE
                )
            case 3:
                request, check = self._asking(rng)
                asking = replace(request, headers=(*request.headers, (b"Expect", b"100-continue")))
                whole = asking.raw()
                pieces = whole[: len(whole) - len(request.body)], request.body
                return Case(number, request.protocol, "valid, expecting 100", pieces, (check,), pause=SLOW_PAUSE)
            case 4:
                request, check = self._keyed(valid.predict(self._target, rng))
                return Case(
                    number,
                    "feedback",
                    "valid, with its labels",
                    (request.raw(),),
                    (check,),
                    then=lambda answer: self._label(rng, answer),
                )
            case 5 | 6:
                request, check = self._keyed(valid.reading(self._target, rng))
            case _:
                request, check = self._asking(rng)
        return Case(number, request.protocol, "valid", (request.raw(),), (check,))

    def _piped(self, number: int, rng: random.Random) -> Case:
        made = [self._asking(rng) for _ in range(rng.randint(2, 6))]
        whole = b"".join(request.raw() for request, _ in made)
        return Case(number, made[0][0].protocol, "valid, in a pipeline", (whole,), tuple(check for _, check in made))

    def _body(self, number: int, rng: random.Random) -> Case:
        if rng.random() < 0.2:
            rows, _ = self._target.pick(rng)
            document, data = broken.tensors(rng, *valid.binary_parts(self._target.model, rows))
            asking = valid.binary_request(valid.infer_path(self._target, rng), document, data)
            return self._refused(number, asking, "body: tensors that disagree")
        request = self._labels(rng) if rng.random() < 0.1 else self._asking(rng)[0]
        name = rng.choice([*broken.BODIES])
        body = broken.BODIES[name](rng, request.body)
        return self._refused(number, replace(request, body=body), f"body: {name}")

    def _monster(self, number: int, rng: random.Random) -> Case:
        request = self._labels(rng) if rng.random() < 0.1 else self._asking(rng)[0]
        name = rng.choice([*MONSTERS])
        if name.endswith("ids"):
            request = self._labels(rng)
        if name.endswith("table") or name.startswith("a cell"):
            request = replace(request, path=b"/invocations", headers=(valid.CSV[0], *request.headers[1:]))
        body = MONSTERS[name](rng, rng.choice([100, 10_000, LARGEST]))
        return self._refused(number, replace(request, body=body), f"monster: {name}")

    def _packed(self, number: int, rng: random.Random) -> Case:
        request, _ = self._asking(rng)
        kind, body, unpacked = packed(rng, request.body, UNPACKED)
        sent = replace(request, headers=(*request.headers, (b"Content-Encoding", b"gzip")), body=body)
        # A server may refuse the body by its head, or at the first of its bytes.
        return replace(self._refused(number, sent, kind), unpacked=unpacked, ending="close", cut_off=True)

    def _raw(self, number: int, rng: random.Random) -> Case:
        pieces = raw.stream(rng, self._asking(rng)[0])
        return Case(number, "http", "raw", pieces, (refused,), "close", cut_off=True)

    def _large(self, number: int, rng: random.Random) -> Case:
        name, whole = raw.large(rng, self._asking(rng)[0])
        return Case(number, "http", f"large: {name}", (whole,), (refused,), "close", cut_off=True)

    def _head(self, number: int, rng: random.Random) -> Case:
        request = broken.head(rng, self._asking(rng)[0])
        # What follows on the connection would be taken for a part of it.
        return replace(self._refused(number, request, "head"), ending="close")

    def _framing(self, number: int, rng: random.Random) -> Case:
        request, _ = self._asking(rng)
        return Case(number, "http", "framing", (broken.framing(rng, request),), (refused,), ending="close")

    def _leaving(self, number: int, rng: random.Random) -> Case:
        request, _ = self._asking(rng)
        whole = request.raw()
        at = rng.choice([len(whole), rng.randrange(1, len(whole)), len(whole) - len(request.body)])
        ending = rng.choice(["leave", "reset"])
        assert ending in ("leave", "reset")
        pause = rng.choice([0.0, 0.001, 0.02])
        return Case(number, request.protocol, f"client: {ending}", (whole[:at],), (), ending, pause)

    def _slow(self, number: int, rng: random.Random) -> Case:
        request, check = self._asking(rng)
        whole = request.raw()
        if rng.random() < 0.5:
            return Case(
                number, request.protocol, "valid, dripping", _pieces(rng, request, 20), (check,), pause=DRIP_PAUSE
            )
        return Case(
            number, request.protocol, "client: half sent", (whole[: rng.randrange(1, len(whole))],), (refused,), "close"
        )

    def _refused(self, number: int, request: Request, kind: str) -> Case:
        whole = request.chunked(1000) if number % 7 == 0 else request.raw()
        return Case(number, request.protocol, kind, (whole,), (refused,))

    def _asking(self, rng: random.Random) -> Made:
        return self._keyed(rng.choice(_ASKING)(self._target, rng))

    def _labels(self, rng: random.Random) -> Request:
        made_up = Answer(200, {}, b'{"ids": ["0190a8f2-7c3e-7d4a-9b1c-2f6e8d0a4b5c", "none"]}')
        made = valid.label(self._target, rng, made_up)
        assert made is not None
        return self._keyed(made)[0]

    def _label(self, rng: random.Random, answer: Answer) -> tuple[bytes, Check] | None:
        made = valid.label(self._target, rng, answer)
        if made is None:
            return None
        request, check = self._keyed(made)
        return request.raw(), check

    @staticmethod
    def _keyed(made: Made) -> Made:
        request, check = made
        key = tuple((name.encode(), value.encode()) for name, value in access.headers().items())
        return replace(request, headers=(*request.headers, *key)), check


def generator(seed: int, number: int) -> random.Random:
    """Where everything of case `number` comes from."""
    return random.Random(f"{seed}/{number}")  # noqa: S311  not for secrets; the same case every time


def _pieces(rng: random.Random, request: Request, most: int = 4) -> tuple[bytes, ...]:
    whole = request.raw()
    cuts = sorted({rng.randrange(1, len(whole)) for _ in range(rng.randint(1, most))})
    return tuple(whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True))
