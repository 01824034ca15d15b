"""What is known of a radiograph's geometry, in lines for the panel."""

from slicer.i18n import tr as _

from ReVertLib.geometry.layers import REQUIRED, LayeredGeometry

from .panel_words import NAMES
from .view_geometry import viewOf


def summary(check):
    """One short line: the distances and the view, and where they are from if that is one source; or what is missing.
    check: a RadiographCheck, None without a radiograph."""
    if check is None:
        return _("no radiograph")
    missing = asked(check)
    if missing:
        text = _("{count} values are not known") if len(missing) > 1 else missing[0].partition(":")[0]
        return text.format(count=len(missing))
    known, view = check.known, LayeredGeometry(check.known).view
    name = (viewOf(tuple(view.values())) or _("custom view")).partition(" (")[0]
    sources = {known[key].source.split()[0] for key in (*REQUIRED, "yaw_deg") if key in known}
    text = _("SDD {sdd:.0f}, SOD {sod:.0f} mm, {view}").format(
        sdd=known["sdd_mm"].value, sod=known["sod_mm"].value, view=name
    )
    return f"{text} ({sources.pop()})" if len(sources) == 1 else text


def missingLengths(check):
    """A line for each length that nothing says, with the reason if there is one."""
    return [_line(NAMES[key], reason) for key, reason in check.missing.items()] if check else []


def asked(check):
    """A line for each value that is to be entered: the lengths, and the view."""
    if check is None or LayeredGeometry(check.known).view:
        return missingLengths(check)
    return [*missingLengths(check), _line(_("View"))]


def sources(check):
    """A line for each value that is known: where it is from."""
    if check is None:
        return []
    names = {**{key: NAMES[key] for key in REQUIRED}, "yaw_deg": _("View")}
    lines = [f"{name}: {check.known[key].source}" for key, name in names.items() if key in check.known]
    if "pixel_spacing_mm" in check.known:
        lines.append(_uneven(check.known["pixel_spacing_mm"].value))
    return [line for line in lines if line]


def _line(name, reason=""):
    line = _("{name} is not known").format(name=name)
    return f"{line}: {reason}" if reason else line


def _uneven(spacing):
    """What the field of the spacing does not show: that pixels are not square."""
    u, v = spacing
    return "" if abs(u - v) < 1e-6 else _("Pixels of {u:.4g} × {v:.4g} mm").format(u=u, v=v)
