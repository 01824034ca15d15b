"""Following a radiograph: every frame when there is time, the newest when there is not."""

import pytest
import slicer
import slicer_host
from scene_nodes import radiograph_node


@pytest.fixture
def live():
    slicer_host.load()
    from ReVertSlicer.work import live_follower as live

    return live


class SlowWork:
    """Begins work that ends when `finish` is called."""

    def __init__(self):
        self.begun, self.finish = 0, None

    def __call__(self, finished):
        self.begun += 1
        self.finish = finished


def new_frame(node):
    slicer.util.updateVolumeFromArray(node, slicer.util.arrayFromVolume(node) + 1)


def test_a_new_image_is_worked_on(live):
    node, work = radiograph_node(), SlowWork()
    live.LiveFollower(node, work)
    assert work.begun == 0
    new_frame(node)
    assert work.begun == 1


def test_frames_that_come_during_work_are_dropped_but_the_newest(live):
    node, work = radiograph_node(), SlowWork()
    follower = live.LiveFollower(node, work)
    follower.begin()
    for _ in range(5):
        new_frame(node)
    assert work.begun == 1
    work.finish()
    assert work.begun == 2
    work.finish()
    assert work.begun == 2  # no newer frame: nothing to do
    assert follower.framesDone == 2
    assert follower.framesDropped == 4


def test_rate_is_frames_over_time(live, monkeypatch):
    node, work, rates = radiograph_node(), SlowWork(), []
    follower = live.LiveFollower(node, work, rates.append)
    now = iter([10.0, 10.5, 11.0])
    monkeypatch.setattr(live.time, "monotonic", lambda: next(now))
    for _ in range(3):
        follower.begin()
        work.finish()
    assert rates == [pytest.approx(2.0), pytest.approx(2.0)]


def test_after_stop_nothing_is_begun(live):
    node, work = radiograph_node(), SlowWork()
    follower = live.LiveFollower(node, work)
    follower.begin()
    new_frame(node)
    follower.stop()
    work.finish()
    new_frame(node)
    assert work.begun == 1
    assert not follower.isFollowing
    follower.stop()


def test_work_that_cannot_begin_leaves_the_way_free(live):
    node, asked = radiograph_node(), []

    def refuse(_finished):
        asked.append(1)
        return False

    follower = live.LiveFollower(node, refuse)
    new_frame(node)
    new_frame(node)
    assert len(asked) == 2
    assert follower.framesDone == 0
