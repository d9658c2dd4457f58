"""JupyterLab o Notebook 7 en un Chromium de verdad: abrir un cuaderno, correrlo y mover sus controles con el teclado.

Hace falta Playwright (tests/requirements.txt) y un Chromium instalado; Playwright no baja ninguno.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from notebook_guards import changes, code_cells

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run"]
SETTINGS = {                                # sin noticias, sin guardar solo y con todas las celdas puestas en la página
    "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false, "doNotDisturbMode": true}',
    "docmanager-extension/plugin": '{"autosave": false}',
    "notebook-extension/tracker": '{"windowingMode": "none"}',
}
FOLDERS = {"JUPYTER_CONFIG_DIR": "config", "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
           "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython"}

# Lo que corre dentro de la página. `seen` resume lo que una persona ve en la salida de una celda, sin el control que se mueve:
# las imágenes por sus bytes, porque su dirección cambia aunque el dibujo sea el mismo.
PAGE = """() => {
  const panel = () => [...jupyterapp.shell.widgets('main')].find(w => w.sessionContext && w.content.widgets);
  const hash = async bytes => String.fromCharCode(...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
  const picture = async img => {
    try { return await hash(await (await fetch(img.src)).arrayBuffer()); } catch (e) { return img.src; }
  };
  const visible = node => node.getBoundingClientRect().width > 0;
  const MOVED = '.widget-slider [role=slider], .widget-slider .ui-slider-handle, .widget-text input[type=number], .widget-dropdown select, '
              + '.widget-checkbox input, .widget-toggle-buttons button:not(.mod-active)';
  const atEnd = node => node.matches('select') ? node.selectedIndex === node.options.length - 1
                        : Number(node.getAttribute('aria-valuenow') ?? node.value) >= Number(node.getAttribute('aria-valuemax') ?? node.max);
  window.course = {
    ready: () => {
      const p = window.jupyterapp && panel(), k = p && p.sessionContext.session && p.sessionContext.session.kernel;
      return !!k && p.sessionContext.isReady && k.connectionStatus === 'connected' && k.status === 'idle';
    },
    progress: () => {
      const code = panel().content.widgets.filter(c => c.model.type === 'code' && c.model.sharedModel.getSource().trim());
      const waiting = code.filter(c => c.model.executionState === 'running'
                                       || /\\*/.test((c.node.querySelector('.jp-InputPrompt') || {}).textContent || ''));
      return {idle: window.course.ready(), waiting: waiting.length, undone: code.filter(c => c.model.executionCount == null).length};
    },
    troubles: () => panel().content.widgets.flatMap((cell, i) => {
      if (cell.model.type !== 'code') return [];
      const found = [];
      for (const o of cell.model.sharedModel.toJSON().outputs || []) {
        if (o.output_type === 'error') found.push(`celda ${i}: ${o.ename}: ${o.evalue}`);
        if (o.output_type === 'stream' && o.name === 'stderr') found.push(`celda ${i}, en stderr: ${[o.text].flat().join('')}`);
      }
      cell.node.querySelectorAll('[data-mime-type="application/vnd.jupyter.error"]').forEach(
        e => found.push(`celda ${i}, un error a la vista: ${e.textContent.trim().slice(0, 200)}`));
      if (/Loading widget|Error displaying widget|Error creating widget/.test(cell.node.textContent))
        found.push(`celda ${i}: una demostración no se dibujó`);
      cell.node.querySelectorAll('.jp-OutputArea-output img').forEach(img => {
        if (img.getAttribute('src') && img.complete && !img.naturalWidth) found.push(`celda ${i}: una imagen rota`);
      });
      return found;
    }),
    outputs: () => panel().content.widgets.filter(cell => cell.model.type === 'code').map(
      cell => [cell.model.id, cell.model.sharedModel.toJSON().outputs || []]),
    twice: () => panel().content.widgets.flatMap((cell, i) => {      // la copia fija y lo vivo, a la vez
      if (!cell.node.querySelector('.jp-OutputArea-output .jupyter-widgets img, .jp-OutputArea-output .widget-html img')) return [];
      const still = [...cell.node.querySelectorAll('.jp-RenderedImage img')].filter(
        img => visible(img) && /^Demostración/.test(img.alt || ''));
      return still.map(() => `celda ${i}: la demostración sale dos veces`);
    }),
    cut: () => panel().content.widgets.flatMap((cell, i) => {
      const parts = cell.node.querySelectorAll('.jp-OutputArea-output, .jp-RenderedHTMLCommon, .cm-scroller, .widget-hbox');
      return [...parts].filter(n => visible(n) && n.scrollWidth > n.clientWidth + 2).map(
        n => `celda ${i}: ${n.className.split(' ')[0]} mide ${n.scrollWidth} y se ven ${n.clientWidth}`);
    }),
    controls: () => panel().content.widgets.flatMap((cell, i) => [...cell.node.querySelectorAll(MOVED)].map(node => {
      const near = node.closest('.widget-inline-hbox'), row = near && near.parentElement.closest('.widget-hbox');
      const label = [near, row].flatMap(box => box ? [...box.querySelectorAll('.widget-label')] : []).find(l => l.textContent.trim());
      return {cell: i, node, visible: visible(node), disabled: !!node.disabled || !!node.closest('[disabled]'),
              kind: node.matches('select') ? 'lista' : node.matches('[type=number]') ? 'número'
                    : node.matches('[type=checkbox]') ? 'casilla' : node.matches('button') ? 'botón' : 'deslizador',
              label: label ? label.textContent : ''};
    })),
    focus: k => {                       // y dice si está en su extremo: puede haberlo llevado ahí otro control
      const node = window.course.kept[k].node;
      node.scrollIntoView({block: 'center'});
      node.focus();
      return atEnd(node);
    },
    chosen: k => window.course.kept[k].node.selectedIndex,
    watch: i => {                       // anota cuándo, desde la última tecla, quedó puesto lo nuevo de esa celda
      const cell = panel().content.widgets[i].node;
      const inside = node => { const e = node.nodeType === 1 ? node : node.parentElement; return e && e.closest('.jp-OutputArea-output')
                                      && !e.closest('select, input, .widget-readout, .widget-slider'); };
      const mark = () => { if (window.course.pressed) window.course.span = performance.now() - window.course.pressed; };
      window.course.pressed = window.course.span = null;
      if (window.course.unwatch) window.course.unwatch();
      const changes = new MutationObserver(list => { if (list.some(one => one.type !== 'attributes' && inside(one.target))) mark(); });
      changes.observe(cell, {subtree: true, childList: true, characterData: true});
      const pressed = () => { window.course.pressed = performance.now(); window.course.span = null; };
      const loaded = event => { if (event.target.tagName === 'IMG' && inside(event.target)) mark(); };
      const picked = event => { if (event.target.matches('select')) pressed(); };       // las teclas de una lista abierta no llegan aquí
      document.addEventListener('keydown', pressed, true);
      document.addEventListener('change', picked, true);
      cell.addEventListener('load', loaded, true);
      window.course.unwatch = () => {
        changes.disconnect();
        document.removeEventListener('keydown', pressed, true);
        document.removeEventListener('change', picked, true);
        cell.removeEventListener('load', loaded, true);
      };
    },
    took: () => window.course.span,
    close: () => panel().sessionContext.shutdown(),
    hidden: k => !visible(window.course.kept[k].node),
    keep: () => (window.course.kept = window.course.controls()).map(({node, ...rest}) => rest),
    seen: async i => {
      const parts = [];
      const walk = node => {
        if (node.nodeType === 3) parts.push(node.data);
        else if (node.nodeType === 1 && node.matches('img')) parts.push(picture(node));
        else if (node.nodeType === 1 && !node.matches('style, script, select, .widget-readout, .widget-slider')) node.childNodes.forEach(walk);
      };
      panel().content.widgets[i].node.querySelectorAll('.jp-OutputArea-output').forEach(walk);
      return (await Promise.all(parts)).join('|');
    },
  };
}"""
APPS = {"lab": "jupyterlab", "notebook": "notebook"}                # programa → módulo de Python que lo arranca
OPENING = 150                               # milisegundos que tarda en abrirse una lista
# Con una lista cerrada JupyterLab se queda las flechas para moverse entre celdas: primero se abre.
KEYS = {"deslizador": ("ArrowRight", "ArrowLeft"), "número": ("ArrowUp", "ArrowDown"),
        "lista": ("Enter ArrowDown Enter", "Enter ArrowUp Enter"), "casilla": ("Space", "Space"), "botón": ("Enter", "Enter")}


class Control(NamedTuple):
    """Un control de la página: cuál es de todos, en qué celda está, su clase y su nombre."""
    place: int
    cell: int
    kind: str
    label: str

    @property
    def is_answer(self) -> bool:
        """Si es la lista de una pregunta de un juego, que lleva su número: ahí lo que se mueve es la respuesta y no un cuadro."""
        return self.kind == "lista" and self.label.strip().isdigit()

    def __str__(self) -> str:
        return f"celda {self.cell}, {self.kind} «{self.label}»"


def chromium() -> str | None:
    """Dónde está Chromium, o None si no hay."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def jupyter(folder: Path, app: str = "lab") -> Iterator[str]:
    """JupyterLab o Notebook 7 abiertos en el curso, con toda su configuración en `folder`; da la dirección del servidor."""
    for plugin, text in SETTINGS.items():
        extension, name = plugin.split("/")
        place = folder / "settings" / "@jupyterlab" / extension / f"{name}.jupyterlab-settings"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {name: str(folder / part) for name, part in FOLDERS.items()}
    order = [sys.executable, "-m", APPS[app], "--no-browser", "--allow-root", "--expose-app-in-browser",
             "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--IdentityProvider.token=",
             f"--ServerApp.root_dir={ROOT}", f"--AsyncFileCheckpoints.checkpoint_dir={folder / 'checkpoints'}"]
    with open(folder / "server.log", "wb") as log:
        server = subprocess.Popen(order, env={**os.environ, **places, "TQDM_DISABLE": "1"}, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for(f"http://127.0.0.1:{port}/api/status", server, folder / "server.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()                                          # también cierra sus kernels
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


def wait_for(url: str, server: subprocess.Popen, log: Path, seconds: float = 120) -> None:
    """Espera a que el servidor conteste. Error: RuntimeError, con el final de su bitácora, si no arranca."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("Jupyter no arrancó:\n" + log.read_text(encoding="utf-8", errors="replace")[-2000:])


class Notebook:
    """Un cuaderno abierto en JupyterLab o en Notebook 7, en una página de Playwright.

    page: la página.  server: la dirección del servidor.  path: el cuaderno, dentro del curso.
    """

    def __init__(self, page: Any, server: str, path: Path, app: str = "lab", seconds: float = 180) -> None:
        self.page, self.path, self.faults = page, path, []
        place = "lab/tree" if app == "lab" else "notebooks"
        page.goto(f"{server}/{place}/{quote(path.relative_to(ROOT).as_posix())}?reset", wait_until="domcontentloaded")
        page.wait_for_selector(".jp-NotebookPanel .jp-Notebook .jp-Cell", timeout=seconds * 1000)
        page.evaluate(PAGE)
        page.wait_for_function("course.ready()", timeout=seconds * 1000)
        if app == "lab":
            page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
        # desde aquí: los errores de arrancar son del programa (Notebook 7.6 tiene uno)
        page.on("pageerror", lambda error: self.faults.append(f"un error en la página: {error}"))

    def run_all(self, seconds: float = 900) -> None:
        """Corre todas las celdas. Error: TimeoutError si a los `seconds` no han terminado."""
        self.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
        end, still = time.monotonic() + seconds, 0
        while still < 5:                                                # en paz, varias veces seguidas
            self.page.wait_for_timeout(300)
            now = self.page.evaluate("course.progress()")
            still = still + 1 if now["idle"] and not now["waiting"] else 0
            if time.monotonic() > end:
                raise TimeoutError(f"faltan {now['undone']} celdas después de {seconds:.0f} s")
        self.page.wait_for_timeout(1000)

    def close(self) -> None:
        """Apaga su kernel: doce lecciones abiertas a la vez no caben en la memoria."""
        self.page.evaluate("course.close()")

    def troubles(self) -> list[str]:
        """Lo que salió mal: errores, avisos, celdas sin correr, imágenes rotas, demostraciones dobles."""
        undone = self.page.evaluate("course.progress()")["undone"]
        return [*self.page.evaluate("course.troubles()"), *self.page.evaluate("course.twice()"),
                *([f"{undone} celdas no corrieron"] if undone else []), *self.faults]

    def changes(self) -> list[str]:
        """Las celdas cuyas salidas no son las guardadas, y en qué."""
        stored = {cell.get("id"): cell for cell in code_cells(json.loads(self.path.read_text(encoding="utf-8")))}
        made = self.page.evaluate("course.outputs()")
        found = [f"celda {name}: {change}" for name, outputs in made if name in stored for change in changes(stored[name], outputs)]
        return [*found, *(f"celda {name}: no corrió" for name in stored.keys() - {name for name, _ in made})]

    def cut(self, width: int) -> list[str]:
        """Lo que no cabe en una ventana de ese ancho, en píxeles."""
        self.page.set_viewport_size({"width": width, "height": 768})
        self.page.wait_for_timeout(500)
        return self.page.evaluate("course.cut()")

    def controls(self) -> list[Control]:
        """Los controles que se ven y se pueden mover."""
        found = self.page.evaluate("course.keep()")
        return [Control(place, one["cell"], one["kind"], one["label"]) for place, one in enumerate(found)
                if one["visible"] and not one["disabled"]]

    def hidden(self, control: Control) -> bool:
        """Si ya no se ve: lo que otro control escogió puede hacerlo sobrar."""
        return self.page.evaluate("k => course.hidden(k)", control.place)

    def move(self, control: Control, seconds: float = 20) -> float | None:
        """Mueve el control un paso con el teclado; los milisegundos hasta que cambia lo que se ve, o None si nada cambia.

        En la lista de una pregunta se ve la respuesta escogida; en los demás, la salida de su celda sin el control. El tiempo lo
        toma la página: de la última tecla (o de que la lista cambia) a la última imagen puesta, o al último texto.
        """
        at_end = self.page.evaluate("k => course.focus(k)", control.place)
        look = ("course.chosen", control.place) if control.is_answer else ("course.seen", control.cell)
        before = self.page.evaluate(f"n => {look[0]}(n)", look[1])
        self.page.evaluate("n => course.watch(n)", control.cell)
        start = time.monotonic()
        for key in KEYS[control.kind][at_end].split():
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(OPENING if control.kind == "lista" else 0)
        while time.monotonic() - start < seconds:
            if self.page.evaluate(f"n => {look[0]}(n)", look[1]) != before:
                return self.page.evaluate("course.took()") or 1000 * (time.monotonic() - start)
            self.page.wait_for_timeout(20)
        return None
