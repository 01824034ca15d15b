"""The parts of the panel, in the order in which they are brought up to date."""

from .section_align import AlignSection
from .section_compare import CompareSection
from .section_ct import CtSection
from .section_ct_beam import CtBeamSection
from .section_film import FilmSection
from .section_geometry import GeometrySection
from .section_many import ManySection
from .section_outputs import OutputsSection
from .section_radiograph import RadiographSection
from .section_reconstruct import ReconstructSection
from .section_result import ResultSection
from .section_vertebra import VertebraSection
from .section_views import ViewsSection

SECTIONS = (
    RadiographSection,
    GeometrySection,
    FilmSection,
    VertebraSection,
    ReconstructSection,
    ViewsSection,
    ResultSection,
    OutputsSection,
    CompareSection,
    CtSection,
    AlignSection,
    CtBeamSection,
    ManySection,
)
