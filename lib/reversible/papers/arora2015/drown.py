"""A code that the reader drowns: sliders for its size and the image's, and what comes back by the exact law."""

from __future__ import annotations

from reversible.show.html import Shown

PICTURE = "<svg viewBox='0 0 100 100' role='img' aria-label='{label}'><g data-part='{part}'></g></svg>"
WIDGET = """\
<figure class='rv-drown'>
<div class='rv-drown-pictures'>
<div>{code}<p>a code of 100 entries</p></div>
<p class='rv-drown-way' aria-hidden='true'>→ down by W,<br>up by its transpose →</p>
<div>{read}<p>what comes back</p></div>
</div>
<p><label>entries that are on, k = <output data-part='k-is'>5</output>
<input data-part='k' type='range' min='1' max='40' value='5'></label>
<label>pixels of the image, t = <output data-part='t-is'>2,000</output>
<input data-part='t' type='range' min='1.3' max='4.3' step='0.05' value='3.3'></label>
<label><input data-part='offset' type='checkbox'> with the offset of the paper's proof</label>
<button type='button' data-part='again'>draw again</button></p>
<figcaption>Drag the two sliders. This one lost <output data-part='error'></output> of its squared length.
<span role='status' data-part='says'></span></figcaption>
<noscript>With JavaScript, a code goes down through a random layer and up again here.</noscript>
</figure>"""


def drowning_code() -> Shown:
    """The widget, which `_static/drown.js` brings to life, offline."""
    pictures = {
        "code": PICTURE.format(part="code", label="the code as ten by ten squares"),
        "read": PICTURE.format(part="read", label="what comes back, as ten by ten squares"),
    }
    return Shown(WIDGET.format(**pictures))
