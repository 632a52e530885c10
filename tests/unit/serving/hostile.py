"""Bodies that cost much for their size, or try to: one of about `n` bytes for each kind, for the model of flowers.

Each is (path, headers, body). Whether a server takes it does not matter here, only what it costs and that it is never
the server's fault.
"""

from __future__ import annotations

from collections.abc import Callable

Request = tuple[str, dict[str, str], bytes]
FLOWER = ("sepal_length", "sepal_width", "petal_length", "petal_width")
V2, V1, PREDICT, MLFLOW = "/v2/models/iris/infer", "/v1/models/iris:predict", "/predict", "/invocations"
GOOD = b'{"name":"input","shape":[1,4],"datatype":"FP64","data":[1,2,3,4]}'


def json(path: str, start: bytes, item: bytes, end: bytes, *, join: bytes = b",", numbered: bool = False) -> Make:
    """As many items as fit; %d in a numbered one is its number."""

    def make(n: int) -> Request:
        if numbered:
            items = [item.replace(b"%d", b"%d" % i) for i in range(max(2, n // (len(item) + 5)))]
        else:
            items = [item] * max(2, n // (len(item) + len(join)))
        return path, {"Content-Type": "application/json"}, start + join.join(items) + end

    return make


def csv(start: bytes, item: bytes, end: bytes = b"", *, numbered: bool = False) -> Make:
    made = json(MLFLOW, start, item, end, join=b"", numbered=numbered)
    return lambda n: (MLFLOW, {"Content-Type": "text/csv"}, made(n)[2])


def binary(document: bytes, item: bytes) -> Make:
    """A document of v2, whose %d is the number of bytes that follow it."""

    def make(n: int) -> Request:
        data = item * (n // len(item))
        head = document.replace(b"%d", b"%d" % len(data))
        return V2, {"Inference-Header-Content-Length": str(len(head))}, head + data

    return make


def tensor(fields: str) -> bytes:
    return b'{"inputs":[{"name":"input",' + fields.encode()


def one(name: str) -> bytes:
    return b'{"name":"%s","shape":[1],"datatype":"FP64","data":[1]}' % name.encode()


Make = Callable[[int], Request]
HEADER = b",".join(name.encode() for name in FLOWER) + b"\n"
BYTES = b'{"inputs":[{"name":"input","shape":%s,"datatype":"%s","parameters":{"binary_data_size":%%d}}]}'

REQUESTS: dict[str, Make] = {
    # a tensor's shape
    "v2 shape of ones": json(V2, tensor('"datatype":"FP64","data":[1],"shape":['), b"1", b"]}]}"),
    "v2 shape of large sizes": json(V2, tensor('"datatype":"FP64","data":[1],"shape":['), b"1" + b"0" * 18, b"]}]}"),
    "v2 shape of zeros": json(V2, tensor('"datatype":"FP64","data":[],"shape":['), b"0", b"]}]}"),
    "v2 shape of many digits": json(V2, tensor('"datatype":"FP64","data":[1],"shape":['), b"1", b"]}]}", join=b""),
    "v2 shape of floats": json(V2, tensor('"datatype":"FP64","data":[1],"shape":['), b"1.0", b"]}]}"),
    "v2 shape of lists": json(V2, tensor('"datatype":"FP64","data":[1],"shape":['), b"[]", b"]}]}"),
    # its data
    "v2 data flat": json(V2, tensor('"datatype":"FP64","shape":[1,4],"data":['), b"1", b"]}]}"),
    "v2 data of no columns": json(V2, tensor('"datatype":"FP64","shape":[1000000,0],"data":['), b"[]", b"]}]}"),
    "v2 data of empty lists": json(V2, tensor('"datatype":"FP64","shape":[1,4],"data":['), b"[]", b"]}]}"),
    "v2 data of rows": json(V2, tensor('"datatype":"FP64","shape":[1,4],"data":['), b"[1,2,3,4]", b"]}]}"),
    "v2 data of short rows": json(V2, tensor('"datatype":"FP64","shape":[1,1],"data":['), b"[1]", b"]}]}"),
    "v2 data of objects": json(V2, tensor('"datatype":"FP64","shape":[1,4],"data":['), b"{}", b"]}]}"),
    "v2 data of texts": json(V2, tensor('"datatype":"BYTES","shape":[1,4],"data":['), b'""', b"]}]}"),
    "v2 data nested": json(V2, tensor('"datatype":"FP64","shape":[1,4],"data":['), b"[" * 100 + b"]" * 100, b"]}]}"),
    "v2 data mixed": json(V2, tensor('"datatype":"FP64","shape":[1,4],"data":['), b"1,[]", b"]}]}"),
    "v2 data of zeros wide": json(V2, tensor('"datatype":"FP64","shape":[2,2],"data":['), b"0", b"]}]}"),
    "v2 one wide row": json(V2, tensor('"datatype":"FP64","shape":[1,1000000],"data":['), b"0", b"]}]}"),
    "v2 data out of range": json(V2, tensor('"datatype":"INT8","shape":[1,4],"data":['), b"999", b"]}]}"),
    # many of them
    "v2 many inputs": json(V2, b'{"inputs":[', one("x%d"), b"]}", numbered=True),
    "v2 an input many times": json(V2, b'{"inputs":[', one("x"), b"]}"),
    "v2 inputs of nothing": json(V2, b'{"inputs":[', b"{}", b"]}"),
    "v2 inputs of no objects": json(V2, b'{"inputs":[', b"1", b"]}"),
    "v2 many outputs": json(V2, b'{"inputs":[' + GOOD + b'],"outputs":[', b'{"name":"x%d"}', b"]}", numbered=True),
    "v2 an output many times": json(V2, b'{"inputs":[' + GOOD + b'],"outputs":[', b'{"name":"predict"}', b"]}"),
    "v2 outputs in bytes": json(
        V2, b'{"inputs":[' + GOOD + b'],"outputs":[', b'{"name":"predict","parameters":{"binary_data":true}}', b"]}"
    ),
    "v2 many parameters": json(V2, b'{"inputs":[' + GOOD + b'],"parameters":{', b'"x%d":1', b"}}", numbered=True),
    "v2 a long id": json(V2, b'{"inputs":[' + GOOD + b'],"id":"', b"x", b'"}', join=b""),
    "v2 a long name": json(
        V2, b'{"inputs":[{"shape":[1],"datatype":"FP64","data":[1],"name":"', b"x", b'"}]}', join=b""
    ),
    "v2 a key many times": json(V2, b"{", b'"inputs":[]', b"}"),
    # in bytes
    "v2 bytes of numbers": binary(BYTES % (b"[1000,4]", b"FP64"), bytes(8)),
    "v2 bytes of rows": binary(BYTES % (b"[1,4]", b"FP64"), bytes(8)),
    "v2 bytes of empty texts": binary(BYTES % (b"[1,4]", b"BYTES"), bytes(4)),
    "v2 bytes of texts": binary(BYTES % (b"[1,4]", b"BYTES"), b"\x01\0\0\0x"),
    "v2 bytes of a long text": binary(BYTES % (b"[1,4]", b"BYTES"), b"\x00\x00\x00\x7f"),
    "v2 nothing but bytes": lambda n: (V2, {"Inference-Header-Content-Length": "0"}, bytes(n)),
    "v2 bytes of halves": binary(BYTES % (b"[1,4]", b"BF16"), bytes(2)),
    "v2 bytes of booleans": binary(BYTES % (b"[1,4]", b"BOOL"), b"\x02"),
    # rows by name
    "predict empty rows": json(PREDICT, b'{"rows":[', b"{}", b"]}"),
    "predict rows of lists": json(PREDICT, b'{"rows":[', b"[]", b"]}"),
    "predict rows of numbers": json(PREDICT, b'{"rows":[', b"1", b"]}"),
    "predict a wide row": json(PREDICT, b'{"rows":[{', b'"x%d":1', b"}]}", numbered=True),
    "predict a wide list": json(PREDICT, b'{"rows":[[', b"1", b"]]}"),
    "predict rows of rows": json(PREDICT, b'{"rows":[', b"[[[[]]]]", b"]}"),
    "predict one row with more": json(
        PREDICT, b'{"rows":[{"sepal_length":1,"sepal_width":1,"petal_length":1,"petal_width":[', b"[]", b"]}]}"
    ),
    "predict many outputs": json(PREDICT, b'{"rows":[{}],"outputs":[', b'"x%d"', b"]}", numbered=True),
    "predict an output many times": json(
        PREDICT,
        b'{"rows":[{"sepal_length":1,"sepal_width":1,"petal_length":1,"petal_width":1}],"outputs":[',
        b'"predict_proba"',
        b"]}",
    ),
    "predict many keys": json(PREDICT, b'{"rows":[],', b'"x%d":1', b"}", numbered=True),
    "predict a long name": json(PREDICT, b'{"rows":[{"', b"x", b'":1}]}', join=b""),
    "predict a long text": json(
        PREDICT,
        b'{"rows":[{"sepal_length":1,"sepal_width":1,"petal_length":1,"petal_width":"',
        b"\\n",
        b'"}]}',
        join=b"",
    ),
    "predict full rows": json(
        PREDICT, b'{"rows":[', b'{"sepal_length":1,"sepal_width":1,"petal_length":1,"petal_width":1}', b"]}"
    ),
    "predict names of escapes": json(PREDICT, b'{"rows":[{"', b"\\u0000", b'":1}]}', join=b""),
    "deep lists": lambda n: (PREDICT, {}, b"[" * n),
    "deep objects": lambda n: (PREDICT, {}, b'{"a":' * (n // 5)),
    "white space": lambda n: (PREDICT, {}, b" " * n),
    "a long number": lambda n: (PREDICT, {}, b"1" * n),
    "a long fraction": lambda n: (PREDICT, {}, b"1." + b"1" * n),
    "no json at the end": lambda n: (PREDICT, {}, b'{"rows":[' + b"{}," * (n // 3) + b"NaN"),
    # tables
    "split rows": json(MLFLOW, b'{"dataframe_split":{"data":[', b"[]", b"]}}"),
    "split columns": json(MLFLOW, b'{"dataframe_split":{"data":[[1]],"columns":[', b'"x%d"', b"]}}", numbered=True),
    "split a column many times": json(MLFLOW, b'{"dataframe_split":{"data":[[1]],"columns":[', b'"x"', b"]}}"),
    "split columns of lists": json(MLFLOW, b'{"dataframe_split":{"data":[[1]],"columns":[', b"[]", b"]}}"),
    "split index": json(MLFLOW, b'{"dataframe_split":{"data":[[1]],"index":[', b"1", b"]}}"),
    "split keys": json(MLFLOW, b'{"dataframe_split":{"data":[[1]],', b'"x%d":1', b"}}", numbered=True),
    "split rows that differ": json(
        MLFLOW,
        b'{"dataframe_split":{"columns":["sepal_length","sepal_width","petal_length","petal_width"],"data":[[1,2,3,4],',
        b"[1]",
        b"]}}",
    ),
    "records": json(MLFLOW, b'{"dataframe_records":[', b"{}", b"]}"),
    "keys of mlflow": json(MLFLOW, b'{"instances":[[1,2,3,4]],', b'"x%d":1', b"}", numbered=True),
    "columns of nothing": json(MLFLOW, b'{"inputs":{', b'"x%d":[]', b"}}", numbered=True),
    "a column of lists": json(MLFLOW, b'{"inputs":{"sepal_length":[', b"[]", b"]}}"),
    "instances of lists": json(V1, b'{"instances":[', b"[]", b"]}"),
    "instances of objects": json(V1, b'{"instances":[', b"{}", b"]}"),
    "instances of a name": json(V1, b'{"instances":{', b'"x%d":1', b"}}", numbered=True),
    # CSV
    "csv empty lines": csv(HEADER, b"\n"),
    "csv lines of a comma": csv(HEADER, b",\n"),
    "csv one line of commas": csv(HEADER, b","),
    "csv header of commas": csv(b"", b","),
    "csv wide header": csv(b"", b"x%d,", numbered=True),
    "csv one field": csv(HEADER, b"x"),
    "csv one name": csv(b"", b"x"),
    "csv quotes": csv(HEADER, b'"'),
    "csv quotes of quotes": csv(HEADER + b'"', b'""'),
    "csv a quote that stays open": csv(HEADER + b'"', b"x\n"),
    "csv nuls": csv(HEADER, b"\0"),
    "csv rows": csv(HEADER, b"1,2,3,4\n"),
    "csv rows of a text": csv(HEADER, b"a,b,c,d\n"),
    "csv returns": csv(HEADER, b"\r"),
    "csv digits": csv(HEADER, b"1"),
    "csv one wide row": csv(HEADER, b"1,"),
    "csv no utf-8": csv(HEADER, b"\xff"),
}
