"""A night is told what the service's replicas are told of models."""

from tenfold.platform.retraining import told_to_train
from tenfold.platform.spec import ServerOptions


def test_a_night_may_load_what_replicas_may_and_makes_what_they_answer_by() -> None:
    options = ServerOptions(trusted_types=("mine.Clip", "mine.Step"), allow_pickle=True, accelerate="onnx")
    assert told_to_train(options) == {
        "TENFOLD_ACCELERATE": "onnx",
        "TENFOLD_TRUSTED_TYPES": "mine.Clip,mine.Step",
        "TENFOLD_ALLOW_PICKLE": "true",
    }


def test_what_the_spec_leaves_open_the_environment_may_say() -> None:
    assert told_to_train(ServerOptions()) == {"TENFOLD_ACCELERATE": ""}
