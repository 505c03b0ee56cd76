"""The command line. Whatever is slow to import is imported where it is used."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

PACKAGE = Path(__file__).resolve().parent
HUB_NAMES = ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "distilgpt2")
NOTEBOOK = "board.ipynb"

app = typer.Typer(
    name="circuitboard",
    help="An interactive workbench for decoding transformers, live in your notebook.",
    epilog="circuitboard MODEL is short for circuitboard open MODEL.",
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class RefusalError(Exception):
    """The command cannot do what was asked; the text says why, and what is possible."""


def main(arguments: list[str] | None = None) -> None:
    """Runs the command. Text after ``--`` goes to JupyterLab as it is."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    extra: list[str] = []
    if "--" in given:
        cut = given.index("--")
        given, extra = given[:cut], given[cut + 1 :]
    if not given or given[0] not in {*_command_names(), "-h", "--help"}:
        given.insert(0, "open")
    try:
        app(given, obj=extra, prog_name="circuitboard")
    except RefusalError as refusal:
        sys.stderr.write(f"circuitboard: {refusal}\n")
        sys.exit(2)


def _command_names() -> set[str]:
    names = (
        info.name or info.callback.__name__ for info in app.registered_commands if info.callback
    )
    return set(names)


ModelName = Annotated[str, typer.Argument(help="A bundled name, a folder, or a hub name.")]
Prompt = Annotated[str | None, typer.Option(help="The prompt; the model's own unless given.")]
Token = Annotated[str | None, typer.Option(help="A token that the metric compares.")]
Notebook = Annotated[Path, typer.Option(help="The notebook at the right; made where missing.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Jupyter's port.")]


@app.command("open")
def open_board(
    context: typer.Context,
    model: ModelName = "names",
    prompt: Prompt = None,
    target: Token = None,
    foil: Token = None,
    notebook: Notebook = Path(NOTEBOOK),
    port: Port = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
    ipc: Annotated[
        bool, typer.Option("--ipc", help="Talk to kernels over files, not loopback TCP.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show Jupyter's own log.")] = False,
) -> None:
    """Open JupyterLab with the board at the left and a notebook at the right."""
    from circuitboard.lab import notebook as notebooks
    from circuitboard.lab.server import Opening, is_built, serve

    require_model(model)
    path = notebook_path(notebook)
    if port is not None:
        require_free(port)
    if not is_built():
        raise RefusalError("the front end is not built. In a clone, run: make build")
    if not path.exists():
        notebooks.write_fresh(path)
    opening = Opening(
        notebook=path,
        model=absolute_model(model),
        prompt=prompt,
        target=target,
        foil=foil,
        port=port,
        browser=not no_browser,
        ipc=ipc,
        verbose=verbose,
        extra=context.obj or (),
    )
    serve(opening, _announce)


def _announce(address: str) -> None:
    sys.stdout.write(f"Circuitboard: {address}\nCtrl+C stops it.\n")
    sys.stdout.flush()


@app.command()
def models() -> None:
    """List the models that come with the package."""
    console = _console()
    names = bundled_names()
    if not names:
        console.print("No model is bundled here.")
    for name in names:
        size = sum(f.stat().st_size for f in (PACKAGE / "bundled" / name).rglob("*") if f.is_file())
        console.print(f"[bold]{name}[/]  {size / 1e6:.1f} MB")
    console.print("A folder with a Hugging Face model, or a hub name such as gpt2, opens as well.")


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Which bundled model to train anew.")],
    out: Annotated[Path, typer.Option(help="The folder that gets the model.")],
    steps: Annotated[int | None, typer.Option(min=1, help="The recipe's own unless given.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same model.")] = 0,
) -> None:
    """Train a bundled model from nothing, or go on with a run that was stopped."""
    from circuitboard import cli_tasks

    known = recipe_names()
    if recipe not in known:
        raise RefusalError(f"there is no recipe {recipe!r}. There is: {', '.join(known)}.")
    if out.exists() and not out.is_dir():
        raise RefusalError(f"{out} is a file; --out wants a folder.")
    try:
        cli_tasks.train(recipe, out, steps, seed, _console())
    except ValueError as error:
        raise RefusalError(str(error)) from error


@app.command()
def discover(
    what: Annotated[str, typer.Argument(help="A plan (.yaml, .toml), or one task.")],
    out: Annotated[Path, typer.Option(help="The folder of results; it goes on with those there.")],
    model: Annotated[list[str] | None, typer.Option(help="For one task: the model.")] = None,
    method: Annotated[list[str] | None, typer.Option(help="For one task: the method.")] = None,
    seed: Annotated[int, typer.Option(help="For one task: the seed.")] = 0,
    neurons: Annotated[
        int, typer.Option(min=0, help="For one task: neurons of every MLP that are nodes.")
    ] = 0,
    retry: Annotated[bool, typer.Option("--retry", help="Try again what failed.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes on this machine.")] = 1,
    ray: Annotated[str | None, typer.Option(help="A Ray cluster's address, to run there.")] = None,
) -> None:
    """Find circuits: one task, or all that a plan says; stop it, and it goes on where it was."""
    from circuitboard import cli_discover
    from circuitboard.spec.errors import CircuitboardError

    models, methods = tuple(model or ()), tuple(method or ())
    order = cli_discover.Order(
        what, out, models, methods, seed, neurons=neurons, retry=retry, jobs=jobs, ray=ray
    )
    try:
        good = cli_discover.discover(order, _console())
    except CircuitboardError as error:
        raise RefusalError(str(error)) from error
    if not good:
        raise typer.Exit(1)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="The --out of circuitboard discover.")],
    pages: Annotated[bool, typer.Option("--pages", help="A report page for each circuit.")] = False,
) -> None:
    """Show what was found, and write the tables anew; with --pages, explain each circuit."""
    from circuitboard import cli_discover
    from circuitboard.spec.errors import CircuitboardError

    try:
        cli_discover.written_report(folder, _console())
        if pages:
            cli_discover.written_pages(folder, _console())
    except CircuitboardError as error:
        raise RefusalError(str(error)) from error


@app.command()
def check(model: ModelName = "names") -> None:
    """Check a model against its untouched original; for a bundled one, its scores too."""
    require_model(model)
    from circuitboard import cli_tasks
    from circuitboard.spec.errors import CircuitboardError

    try:
        good = cli_tasks.check(model, _console())
    except CircuitboardError as error:
        raise RefusalError(str(error)) from error
    if not good:
        raise typer.Exit(1)


@app.command()
def bench() -> None:
    """Measure how live the board is (in a clone of the repository)."""
    script = PACKAGE.parents[1] / "benchmarks" / "live.py"
    if not script.is_file():
        raise RefusalError(
            "the benchmarks are not installed; run this in a clone of the repository."
        )
    os.execv(sys.executable, [sys.executable, str(script)])


@app.command()
def version() -> None:
    """Say which version this is."""
    from circuitboard import __version__

    sys.stdout.write(f"circuitboard {__version__}\n")


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False)


def bundled_names() -> list[str]:
    """The bundled models, without importing what loads them."""
    home = PACKAGE / "bundled"
    return sorted(folder.parent.name for folder in home.glob("*/config.json"))


def recipe_names() -> list[str]:
    """The recipes that can be trained."""
    return sorted(file.parent.name for file in (PACKAGE / "recipes").glob("*/train.py"))


def require_model(name: str) -> None:
    """Refuses a model that can be told to be missing before anything is loaded."""
    path = Path(name).expanduser()
    if name in bundled_names() or name in HUB_NAMES:
        return
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise RefusalError(f"the folder {name} holds no model: there is no config.json in it.")
        return
    if path.is_absolute() or name.startswith((".", "~")):
        raise RefusalError(f"there is no folder {name}.")
    if name.count("/") != 1:
        known = ", ".join(bundled_names()) or "none"
        raise RefusalError(
            f"there is no bundled model {name!r} (bundled: {known}). A folder with a Hugging Face "
            "model, or a hub name such as gpt2 or EleutherAI/pythia-70m, is also possible."
        )


def absolute_model(name: str) -> str:
    """A folder's full path, so that the kernel finds it from any working directory."""
    path = Path(name).expanduser()
    return str(path.resolve()) if name not in bundled_names() and path.is_dir() else name


def notebook_path(path: Path) -> Path:
    """The notebook's full path, refused where it cannot be one."""
    path = path.expanduser().resolve()
    if path.suffix != ".ipynb":
        raise RefusalError(f"{path.name} is not a notebook: its name must end in .ipynb.")
    if not path.parent.is_dir():
        raise RefusalError(f"there is no folder {path.parent}.")
    if path.is_dir():
        raise RefusalError(f"{path} is a folder, not a notebook.")
    if not path.exists() and not os.access(path.parent, os.W_OK):
        raise RefusalError(f"the folder {path.parent} cannot be written to.")
    return path


def require_free(port: int) -> None:
    """Refuses a port that something else listens on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise RefusalError(
                f"port {port} cannot be used ({error.strerror}); try another."
            ) from error


if __name__ == "__main__":
    main()
