"""Where results lie in the scratch: places are handed out by layout and used again."""

from dataclasses import dataclass, field

from sparsecnn.runtime.layout import LINE, Layout, round_up
from sparsecnn.runtime.structures import Fill, View

# Maps shall not be a multiple of the cache's way size apart, where they fall on each other's sets.
DISTANCE = 48


@dataclass(frozen=True)
class Place:
    """A layout somewhere in the scratch, `offset` floats from its begin."""

    layout: Layout
    offset: int

    @property
    def maps(self) -> View:
        """From the border on, as loads write and convolutions read."""
        return self._view(self.offset)

    @property
    def pixels(self) -> View:
        """From pixel (0, 0) on; of a map with strides those pixels that are whole strides apart."""
        return self._view(self.offset + self.layout.position(self.layout.top, self.layout.left))

    def _view(self, offset: int) -> View:
        return View(offset, self.layout.channel, self.layout.segment, self.layout.line, 0)

    @property
    def halo(self) -> dict[str, int]:
        """The fields of a step that writes here: which columns it has to double."""
        layout = self.layout
        if layout.halo is None or layout.segments < 2:
            return {}
        return {"halo_segments": layout.segments, "halo_left": layout.left, "halo_right": layout.halo - layout.left}


@dataclass
class Scratch:
    """The memory of one image or group while its steps are planned; all numbers are floats."""

    size: int = 0
    fills: list[Fill] = field(default_factory=list)
    _free: dict[Layout, list[Place]] = field(default_factory=dict)

    def allocated(self, size: int, value: float = 0.0) -> int:
        """The offset of new memory that begins with `value`."""
        offset = self.size
        self.fills.append(Fill(offset, size, value))
        self.size += round_up(size, LINE) + DISTANCE
        return offset

    def place(self, layout: Layout) -> Place:
        """A free place of this layout, whose border is right and stays right, or a new one."""
        free = self._free.get(layout)
        return free.pop() if free else Place(layout, self.allocated(layout.size, layout.fill))

    def release(self, place: Place) -> None:
        """Lets others use the place."""
        self._free.setdefault(place.layout, []).append(place)
