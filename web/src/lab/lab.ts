// The JupyterLab extension: the board at the left of a notebook, on the notebook's own kernel.
//
// The file is a module-federation container made by hand: JupyterLab asks for no more than `init`
// and `get`, so no bundler of its own is needed and no @jupyterlab package is bundled.

import type {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin,
} from "@jupyterlab/application";
import type { ICommandPalette, MainAreaWidget } from "@jupyterlab/apputils";
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import type { DockPanel, Widget } from "@lumino/widgets";
import { pageSettings, type ShareScope, shared, startOptionsFor, useScope } from "./host.js";
import css from "./lab.css";
import { type BoardPanel, type PanelClass, panelClass } from "./panel.js";

const NAME = "circuitboard";
const COMMAND = `${NAME}:open`;
const BOARD_SHARE = 0.58;
const LABEL = "Circuitboard: open the board beside this notebook";

type Area = MainAreaWidget<BoardPanel>;
type AppUtils = typeof import("@jupyterlab/apputils");

interface OpenArgs {
  path?: string;
  restore?: boolean;
}

/** Opens panels, one for each notebook. */
class Opener {
  readonly areas: InstanceType<AppUtils["WidgetTracker"]>;

  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly tracker: INotebookTracker,
    private readonly apputils: AppUtils,
    private readonly panel: PanelClass,
  ) {
    this.areas = new apputils.WidgetTracker({ namespace: NAME });
  }

  /**
   * The layout restorer runs this before `app.restored`, and a notebook is ready only after it:
   * waiting for the notebook then would hang the whole page at its splash.
   */
  async open({ path, restore = false }: OpenArgs): Promise<Area | null> {
    const wanted = path ?? this.tracker.currentWidget?.context.path;
    if (!wanted) return null;
    const there = this.areas.find((each) => (each as Area).content.path === wanted);
    if (there) {
      this.app.shell.activateById(there.id);
      return there as Area;
    }
    const area = this.makeArea(wanted, restore);
    const found = this.findNotebook(wanted);
    found.then(
      (notebook) => area.content.attach(notebook),
      (error: unknown) => area.content.fail(error),
    );
    const { shell } = this.app;
    if (restore) shell.add(area, "main", { activate: false });
    else {
      shell.add(area, "main", { mode: "split-left", ref: (await found).id, activate: false });
      giveRoom(area);
    }
    await this.areas.add(area);
    return area;
  }

  private makeArea(path: string, restored: boolean): Area {
    const start = startOptionsFor(path) ?? (restored ? null : {});
    const renamed = () => void this.areas.save(area);
    const content = new this.panel({ path, start, renamed });
    const area: Area = new this.apputils.MainAreaWidget({ content });
    area.id = `${content.id}:area`;
    area.title.label = "Circuitboard";
    area.title.caption = `The board of ${path}`;
    area.title.closable = true;
    area.toolbar.hide();
    return area;
  }

  private async findNotebook(path: string): Promise<NotebookPanel> {
    await this.app.restored;
    const there = this.tracker.find((each) => each.context.path === path);
    const open = { path, factory: "Notebook" };
    const notebook =
      there ?? ((await this.app.commands.execute("docmanager:open", open)) as NotebookPanel);
    await notebook.context.ready;
    return notebook;
  }
}

/** Gives the board the larger share, where it and the notebook are all there is. */
function giveRoom(area: Area): void {
  const dock = area.parent as DockPanel | null;
  const layout = dock?.saveLayout();
  const main = layout?.main;
  if (!dock || !layout || main?.type !== "split-area" || main.children.length !== 2) return;
  dock.restoreLayout({ ...layout, main: { ...main, sizes: [BOARD_SHARE, 1 - BOARD_SHARE] } });
}

async function makePlugin(): Promise<JupyterFrontEndPlugin<void>> {
  const application =
    await shared<typeof import("@jupyterlab/application")>("@jupyterlab/application");
  const apputils = await shared<AppUtils>("@jupyterlab/apputils");
  const notebooks = await shared<typeof import("@jupyterlab/notebook")>("@jupyterlab/notebook");
  const Panel = await panelClass();

  const activate = (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
  ): void => {
    const opener = new Opener(app, tracker, apputils, Panel);
    const settings = pageSettings();
    app.commands.addCommand(COMMAND, {
      label: LABEL,
      isEnabled: () => tracker.currentWidget !== null || settings !== null,
      execute: (args) => opener.open(args as OpenArgs),
    });
    palette?.addItem({ command: COMMAND, category: "Circuitboard" });
    const pathOf = (area: Widget) => (area as Area).content.path;
    void restorer?.restore(opener.areas, {
      command: COMMAND,
      args: (area) => ({ path: pathOf(area), restore: true }),
      name: pathOf,
    });
    if (!settings) return;
    void app.restored.then(async () => {
      await app.commands.execute(COMMAND, { path: settings.notebook });
      (app.shell as { collapseLeft?: () => void }).collapseLeft?.();
    });
  };

  return {
    id: `${NAME}:plugin`,
    description: "The board beside a notebook, on the notebook's own kernel.",
    autoStart: true,
    requires: [notebooks.INotebookTracker],
    optional: [application.ILayoutRestorer, apputils.ICommandPalette],
    activate,
  };
}

function addStyle(): void {
  const style = document.createElement("style");
  style.dataset.from = NAME;
  style.textContent = css;
  document.head.append(style);
}

const container = {
  init(scope: ShareScope): void {
    useScope(scope);
  },
  async get(_module: string): Promise<() => unknown> {
    addStyle();
    const plugin = await makePlugin();
    return () => ({ __esModule: true, default: plugin });
  },
};

const page = window as unknown as { _JUPYTERLAB?: Record<string, typeof container> };
page._JUPYTERLAB ??= {};
page._JUPYTERLAB[NAME] = container;
