"""Requests of each protocol, and what is read from answers."""

import numpy as np
import orjson
import pytest
from tenfold.loadtests.benchmark import protocols
from tenfold.loadtests.benchmark.rpc import FRAME
from tenfold.serving.rpc.messages import MESSAGES

ROWS = np.arange(20.0).reshape(2, 10)


def test_rows_go_as_lists_by_name_or_as_a_frame() -> None:
    assert orjson.loads(protocols.PLAIN.request(ROWS).body) == {"rows": ROWS.tolist()}
    assert orjson.loads(protocols.PREDICT.request(ROWS).body)["rows"][1]["x9"] == 19
    assert orjson.loads(protocols.INVOCATIONS.request(ROWS).body)["dataframe_split"]["data"] == ROWS.tolist()


def test_a_binary_request_has_the_length_of_its_json_in_a_header() -> None:
    request = protocols.V2_BINARY.request(ROWS)
    end = int(request.headers[protocols.BINARY_HEADER])
    assert orjson.loads(request.body[:end])["inputs"][0]["parameters"] == {"binary_data_size": 160}
    assert request.body[end:] == ROWS.tobytes()


def test_the_body_of_a_grpc_request_is_a_frame() -> None:
    body = protocols.GRPC.request(ROWS).body
    assert body[:FRAME] == b"\0" + (len(body) - FRAME).to_bytes(4, "big")
    message = MESSAGES["ModelInferRequest"].FromString(body[FRAME:])
    assert (message.model_name, message.raw_input_contents[0]) == ("model", ROWS.tobytes())


LABELS = np.array([1, 0], "<i8").tobytes()
OUTPUT = b'{"outputs":[{"name":"predict","shape":[2],"parameters":{"binary_data_size":16}}],"parameters":{"ids":"a,b"}}'


@pytest.mark.parametrize(
    ("protocol", "body"),
    [
        (protocols.PLAIN, b'{"predictions":[1,0]}'),
        (protocols.PLAIN_LIST, b"[1,0]"),
        (protocols.V2, b'{"outputs":[{"name":"predict","shape":[2,1],"datatype":"INT64","data":[[1],[0]]}]}'),
        (protocols.V2_BINARY, OUTPUT + LABELS),
        (protocols.GRPC, MESSAGES["ModelInferResponse"](raw_output_contents=[LABELS]).SerializeToString()),
    ],
    ids=lambda value: value.name if isinstance(value, protocols.Protocol) else "",
)
def test_predictions_are_read_from_an_answer(protocol: protocols.Protocol, body: bytes) -> None:
    assert protocol.read(body) == [1, 0]
