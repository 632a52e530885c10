"""Why tenfold's answer differs from that of uvicorn with h11, or from what an RFC wants. Many streams share one."""

from __future__ import annotations

# Both are right, and tenfold is the stricter.
SAME_LENGTHS = "A server may take equal lengths for one. tenfold reads no request that says its length twice."
BOTH = "A message with both may be an attack on a proxy. It may be refused, and is; h11 reads the chunks and goes on."
TWICE = (
    "Of two such fields a proxy may go by the one and the server by the other. tenfold refuses; h11 gives the app both."
)
BARE_LF = "A server may take a bare LF for the end of a line. llhttp does not: proxies disagree about it; h11 does."
FOLDED = "A server may refuse a folded line or unfold it. tenfold refuses, h11 unfolds."
CONTROLS = (
    "A server may refuse control characters or replace them. tenfold refuses; h11 gives them to the app as they are."
)
CHUNK_BLANKS = "The grammar has no blanks behind a size. tenfold refuses them, h11 drops them."
EXTENSIONS = "The grammar of extensions has no such character. h11 skips whatever stands behind the semicolon."
TRAILERS = "These fields may not be trailers. tenfold refuses them, h11 drops all trailers unread."
METHODS = "llhttp knows methods by a table and refuses any other; h11 leaves it to the app, which answers 405."
CONNECT = "tenfold is no proxy and refuses CONNECT before any route; h11 gives it to the app as any other method."
VERSIONS = "Only 1.0 and 1.1 are spoken here, and said so; h11 answers any version of one digit in 1.1."
TARGETS = "No path can be found in the target, so it is refused; h11 gives it to the app, which has no such path."
HOSTS = "A host that cannot be one is to be refused. tenfold does; h11 looks only whether there is one."
CODINGS = "tenfold says 501 to every coding that is not `chunked` alone; h11 says 400."
EMPTY_MEMBER = (
    "An empty member of a list is to be ignored. Whoever sends one here means to confuse, and both refuse it."
)
NAMES = "To tenfold all of it is the name of a model, which can only be read; uvicorn's app has no such path."
LINE_ENDS = "llhttp refuses the wrong end of a line when it comes; h11 waits for a right one."
NO_METHOD = "llhttp refuses what cannot become a method at its first bytes; h11 waits for the end of the line."
# Both are right, and tenfold is the more lenient.
EMPTY_LINES = "A server should ignore an empty line before a request. tenfold does, h11 refuses it."
STRAY_CR = "llhttp skips CR and LF before a request, in any order; nothing can hide in them."
SPACES = "A server may take several spaces for one. tenfold does, h11 refuses them."
ABSOLUTE = "A server must accept the absolute form. h11 does, but uvicorn gives all of it to the app as the path."
FRAGMENT = "A fragment is cut off as the rest of a URL would be; for h11 it is a part of the path."
CONTINUE = (
    "The answer, or the body, is there already, so 100 may be left out; uvicorn sends it when the app asks for a body."
)
# uvicorn with h11 has no such limit.
TIME = "tenfold gives up a request that does not arrive whole in time; uvicorn with h11 waits for ever."
BODY = (
    "tenfold refuses a body above its limit for its length alone; uvicorn leaves that to the app, which waits for it."
)
LONG_LENGTH = "tenfold refuses a length that no body can have; h11 waits for it."
HEADS = (
    "tenfold has a limit for heads and says 431; h11 has one as well, says 400, and closes with bytes unread, so that "
    "the answer may be lost."
)
