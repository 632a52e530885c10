"""What a request leaves behind goes at once: the collector looks seldom, and would find megabytes of bodies."""

from __future__ import annotations

import gc

from unit.serving.stage import FLOWER, Folders, in_process

ROW = dict(zip(FLOWER, [5.1, 3.5, 1.4, 0.2], strict=True))


async def test_a_call_of_the_model_leaves_nothing_for_the_collector(folders: Folders) -> None:
    async with in_process(folders.iris) as server:
        for _ in range(3):
            assert (await server.post("/predict", {"rows": [ROW] * 10})).status_code == 200
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            for _ in range(20):
                assert (await server.post("/predict", {"rows": [ROW] * 10})).status_code == 200
            gc.collect()
            ours = {type(left).__qualname__ for left in gc.garbage if type(left).__module__.startswith("tenfold")}
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert not ours
