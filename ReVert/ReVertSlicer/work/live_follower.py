"""Following a radiograph whose image keeps changing: each new frame is reconstructed, late ones are dropped."""

import time
from collections import deque

import slicer

AVERAGE_OVER = 10


class LiveFollower:
    """Watches a radiograph node and asks for work whenever its image is new and the last work is done.

    send(finished) begins the work on the newest image and calls finished() when it is done; it returns False when it
    could not begin. A frame that comes while one is worked on only marks that there is a newer one, so the delay never
    grows: of all frames that came meanwhile, the last is taken. onRate(frames per second) is called after each.
    """

    def __init__(self, radiographNode, send, onRate=lambda _rate: None):
        self._node, self._send, self._onRate = radiographNode, send, onRate
        self._busy = self._newer = False
        self._times = deque(maxlen=AVERAGE_OVER)
        self._tag = radiographNode.AddObserver(slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent, self._onImage)
        self.framesDone = self.framesDropped = 0

    def stop(self):
        """Lets go of the node; work that runs is not followed by any other."""
        if self._tag is not None:
            self._node.RemoveObserver(self._tag)
            self._tag = None

    @property
    def isFollowing(self):
        return self._tag is not None

    def begin(self):
        """Does the image that is there now."""
        self._onImage()

    def _onImage(self, _caller=None, _event=None):
        if self._busy:
            self.framesDropped += self._newer
            self._newer = True
            return
        self._newer = False
        self._busy = True
        if self._send(self._finished) is False:
            self._busy = False

    def _finished(self):
        self._busy = False
        self.framesDone += 1
        self._times.append(time.monotonic())
        if len(self._times) > 1:
            self._onRate((len(self._times) - 1) / (self._times[-1] - self._times[0]))
        if self._newer and self.isFollowing:
            self._onImage()
