"""Vega, which draws the explorer in the reader's browser, as one script out of an installed package."""

from __future__ import annotations

from importlib import metadata

VEGA = "vega.js"  # what `vega_script` is to be called in the built site's _static

# The d3 modules inside Vega are under the ISC licence, which asks for these words; Vega's own is the BSD licence of the
# package that bundles it, but for the name.
D3_LICENCE = """\
Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted,
provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE."""


def vega_script() -> str:
    """Vega as one script without dependencies that sets `window.vega` to {parse, View} and no other global name.

    It comes out of the installed vl-convert-python and is the same for the same version of it.
    """
    import vl_convert

    version = vl_convert.get_vega_version()
    # The name `vega` that vl-convert gives a snippet is the library's default export, which is empty.
    bundle = vl_convert.javascript_bundle(
        f'import {{parse, View}} from "/npm/vega@{version}/+esm.js"; window.vega = {{parse, View}};'
    )
    licence = metadata.distribution("vl-convert-python").read_text("licenses/LICENSE") or ""
    vega = (
        f"Vega {version}, copyright (c) 2015-2023, University of Washington Interactive Data Lab, bundled by vl-convert"
    )
    d3 = f"The d3 and topojson modules in it: copyright 2010-2023 Mike Bostock\n\n{D3_LICENCE}"
    return f"/*! {vega}\n\n{licence.strip()}\n\n{d3}\n*/\n(() => {{\n{bundle}\n}})();\n"
