"""Las páginas HTML del lado docente: sin red, legibles impresas y en oscuro; lo escrito por alguien va como texto."""
import html
import re
from collections.abc import Iterable, Sequence

RULE = re.compile(r":?-+:?")                    # cada celda del segundo renglón de una tabla de Markdown
STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --soft: #555; --line: #ccc; --block: #f4f4f2;
 --mark: #31688e }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #16181b; --soft: #a8adb3; --line: #43474d;
 --block: #22252a; --mark: #58a6d6 } }
body { font: 16px/1.5 sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; color: var(--ink);
 background: var(--paper) }
a { color: var(--mark) } p, li { max-width: 46em } h2 { margin: 1.6em 0 .3em } h3 { margin: 1em 0 .2em }
table { border-collapse: collapse; margin: .6em 0 } caption { text-align: left; color: var(--soft) }
td, th { padding: .25em .8em; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line) }
th { font-weight: 600 } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--block); padding: .6em .8em; margin: .4em 0;
 font: 14px/1.45 monospace; border-left: 3px solid var(--line) }
pre.prose { font-family: sans-serif; font-size: 15px } .shared { color: var(--soft) }
.soft { color: var(--soft) } .points { font-weight: 600 } .grade { font-size: 1.25em }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1em } img { max-width: 100%; image-rendering: pixelated }
@media (max-width: 800px) { .sides { grid-template-columns: 1fr } }
@media print { :root { --ink: #000; --paper: #fff; --soft: #444; --line: #bbb; --block: #fff; --mark: #000 }
 body { margin: 0; max-width: none } h2, h3 { break-after: avoid } pre, tr, section { break-inside: avoid }
 details > * { display: block } }
"""


def document(title: str, body: str, style: str = "", script: str = "") -> str:
    """Una página entera; `body` ya es HTML."""
    code = f"<script>{script}</script>\n" if script else ""
    return (f'<!DOCTYPE html>\n<html lang="es"><head><meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width">\n<title>{text(title)}</title>\n'
            f"<style>{STYLE}{style}</style></head>\n<body>\n{body}\n{code}</body></html>\n")


def text(value: object) -> str:
    """Lo que sea, como texto de HTML."""
    return html.escape(str(value))


def counted(count: float, one: str, many: str = "") -> str:
    """«1 punto», «2 puntos»; many: el plural, si no es con s."""
    return f"{count:g} {one if count == 1 else many or f'{one}s'}"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[int] = (),
          caption: str = "") -> str:
    """Una tabla; numbers: qué columnas son números. Una celda que ya es HTML va como `Markup`."""
    def cells(row: Sequence[object], tag: str) -> str:
        return "".join(f"<{tag}{' class=n' if place in numbers else ''}>{_cell(value)}</{tag}>"
                       for place, value in enumerate(row))

    head = f"<caption>{text(caption)}</caption>" if caption else ""
    body = "\n".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f"<table>{head}<thead><tr>{cells(heads, 'th')}</tr></thead>\n<tbody>{body}</tbody></table>"


class Markup(str):
    """Texto que ya es HTML."""


def _cell(value: object) -> str:
    return value if isinstance(value, Markup) else text(value)


def pre(value: str, kind: str = "") -> str:
    """Un bloque con sus renglones como están; kind="prose" si es prosa y no código."""
    return f"<pre{f' class={kind}' if kind else ''}>{text(value)}</pre>"


def picture(data: str, says: str, kind: str = "image/png") -> str:
    """Una imagen, en base64, con lo que dice de ella quien no la ve; vacío si no hay."""
    return f'<p><img alt="{text(says)}" src="data:{text(kind)};base64,{text(data)}"></p>' if data else ""


def written(words: str) -> str:
    """Lo que alguien escribió: sus tablas de Markdown, como tablas; lo demás, con sus renglones como están."""
    pieces, plain, lines = [], [], words.splitlines()
    while lines:
        count = _table_length(lines)
        if count:
            pieces += [*_plain(plain), _markdown_table(lines[:count])]
            plain, lines = [], lines[count:]
        else:
            plain.append(lines.pop(0))
    return "\n".join([*pieces, *_plain(plain)])


def _plain(lines: list[str]) -> list[str]:
    said = "\n".join(lines).strip("\n")
    return [pre(said, "prose")] if said.strip() else []


def _table_length(lines: list[str]) -> int:
    """Cuántos renglones del principio son una tabla de Markdown; 0 si ahí no empieza ninguna."""
    if len(lines) < 2 or "|" not in lines[0] or not all(map(RULE.fullmatch, rule := _split(lines[1]))):
        return 0
    ends = (place for place, line in enumerate(lines) if place > 1 and "|" not in line)
    return next(ends, len(lines)) if len(_split(lines[0])) == len(rule) else 0


def _split(line: str) -> list[str]:
    """Las celdas de un renglón de tabla; una barra escapada no separa."""
    inner = re.sub(r"(?<!\\)\|$", "", line.strip().removeprefix("|"))
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def _markdown_table(lines: list[str]) -> str:
    heads, rule, *rows = map(_split, lines)
    rows = [[*row, *[""] * (len(heads) - len(row))] for row in rows]
    return table(heads, rows, [place for place, mark in enumerate(rule) if mark.endswith(":")])


def prose(markdown: str) -> str:
    """El Markdown de un enunciado como HTML: párrafos, listas, **negritas**, *cursivas* y `código`."""
    blocks = []
    for block in re.split(r"\n\s*\n", markdown.strip()):
        lines = [line.strip() for line in block.splitlines()]
        starts = [bool(re.match(r"(\d+\.|-) ", line)) for line in lines]
        if lines and starts[0]:
            items: list[str] = []
            for line, begins in zip(lines, starts):
                if begins:
                    items.append(line.split(" ", 1)[1])
                else:
                    items[-1] += f" {line}"
            tag = "ul" if lines[0].startswith("-") else "ol"
            blocks.append(f"<{tag}>{''.join(f'<li>{_inline(item)}</li>' for item in items)}</{tag}>")
        else:
            blocks.append(f"<p>{_inline(' '.join(lines))}</p>")
    return "\n".join(blocks)


def _inline(line: str) -> str:
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", text(line))
    safe = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", safe)
    return re.sub(r"\*([^*]+)\*", r"<i>\1</i>", safe)
