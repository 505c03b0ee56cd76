// The panel's talk with the kernel: which board there is, and making one where there is none.

import type { Kernel } from "@jupyterlab/services";
import type { KernelConnection, StartOptions } from "./host.js";

const TARGET = "circuitboard.hello";
const ANSWER_MS = 4000;
const SUBSHELL_MS = 1000;

/** Something went wrong: what, and what to do next. */
export class Trouble extends Error {
  constructor(
    message: string,
    readonly hint = "",
  ) {
    super(message);
  }
}

type BoardId = string | null | undefined;

/**
 * Says which board the notebook has now, and again whenever a cell makes another one.
 *
 * One comm serves as long as the kernel lives: closing one and opening the next can put the new
 * one on the subshell that goes with the old one.
 */
export class Hello {
  private comm: Kernel.IComm | null = null;
  private opened = false;
  private waiting: ((answer: BoardId) => void)[] = [];
  /** True when the last question was not answered in time: the kernel is busy. */
  unanswered = false;

  constructor(
    readonly kernel: KernelConnection,
    private readonly changed: (modelId: string) => void,
  ) {}

  /**
   * Resolves to the widget's model id, to null where there is no board yet, and to undefined where
   * the kernel does not know the question (the package is not imported) or is too busy to answer.
   */
  async ask(): Promise<BoardId> {
    this.unanswered = false;
    const answer = new Promise<BoardId>((resolve) => {
      const timer = setTimeout(() => {
        this.unanswered = true;
        resolve(undefined);
      }, ANSWER_MS);
      this.waiting.push((id) => {
        clearTimeout(timer);
        resolve(id);
      });
    });
    if (!this.comm || this.comm.isDisposed) await this.open();
    else if (this.opened) this.comm.send({});
    return answer;
  }

  close(): void {
    const comm = this.comm;
    this.comm = null;
    this.settle(undefined);
    if (!comm || comm.isDisposed) return;
    comm.onMsg = () => undefined;
    comm.onClose = () => undefined;
    if (this.kernel.isDisposed || this.kernel.connectionStatus !== "connected") comm.dispose();
    else comm.close();
  }

  private async open(): Promise<void> {
    const comm = this.kernel.createComm(TARGET);
    this.comm = comm;
    this.opened = false;
    await subshell(this.kernel, comm);
    if (comm.isDisposed) return this.settle(undefined);
    comm.onMsg = (message) => {
      const id = (message.content.data as { model_id?: string | null }).model_id ?? null;
      if (this.waiting.length > 0) this.settle(id);
      else if (id) this.changed(id);
    };
    comm.onClose = () => this.settle(undefined);
    comm.open({});
    this.opened = true;
  }

  private settle(answer: BoardId): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve(answer);
  }
}

/** Messages of this kernel's comms are answered while a cell runs, whatever the user's default. */
export function useSubshells(kernel: KernelConnection): void {
  (kernel as { commsOverSubshells?: string }).commsOverSubshells = "perCommTarget";
}

async function subshell(kernel: KernelConnection, comm: Kernel.IComm): Promise<void> {
  const started = (comm as { subshellStarted?: Promise<void> }).subshellStarted;
  if (!kernel.supportsSubshells || !started) return;
  await Promise.race([started, new Promise((resolve) => setTimeout(resolve, SUBSHELL_MS))]);
}

/** A board in the making: its libraries, then the board itself. */
export interface Making {
  prepared: Promise<void>;
  board: Promise<string>;
}

/**
 * Makes the board where there is none. Both requests are sent before this returns, so that a cell
 * that is sent later finds the board there.
 */
export function make(kernel: KernelConnection, options: StartOptions): Making {
  const json = JSON.stringify(JSON.stringify(options));
  const prepared = call(kernel, "prepare()").then(() => undefined);
  const board = call(kernel, `start_from_json(${json})`);
  // Whoever waits for them learns of a failure; where nobody does any more, it matters to nobody.
  for (const promise of [prepared, board]) promise.catch(() => undefined);
  return { prepared, board };
}

/** Lets the kernel answer {@link Hello} from now on; makes nothing. */
export async function listen(kernel: KernelConnection): Promise<void> {
  await call(kernel, "listen()");
}

interface Answer {
  value?: string;
  problem?: { message: string; hint: string };
}

type Expression =
  | { status: "ok"; data: { "application/json"?: Answer } }
  | { status: "error"; ename: string; evalue: string };

/** Calls a function of the kernel's half, leaving no name behind in the notebook. */
async function call(kernel: KernelConnection, expression: string): Promise<string> {
  // Nothing may be awaited before the request is sent: see make.
  const module = '__import__("circuitboard.lab.bootstrap", fromlist=["start"])';
  const request = kernel.requestExecute({
    code: "",
    silent: true,
    store_history: false,
    stop_on_error: false,
    user_expressions: { answer: `${module}.${expression}` },
  });
  const { content } = await request.done;
  if (content.status !== "ok") throw new Trouble("The start was interrupted.", "Try again.");
  const result = content.user_expressions.answer as Expression | undefined;
  if (!result) throw new Trouble("The start was interrupted.", "Try again.");
  if (result.status === "error") throw explain(result.ename, result.evalue);
  const answer = result.data["application/json"];
  if (!answer) throw new Trouble("The kernel's answer was not understood.");
  if (answer.problem) throw new Trouble(answer.problem.message, answer.problem.hint);
  return answer.value ?? "";
}

function explain(name: string, value: string): Trouble {
  if (name === "ModuleNotFoundError" && value.includes("'circuitboard'")) {
    return new Trouble(
      "This notebook's kernel does not have Circuitboard.",
      "Install it there (pip install circuitboard), or choose another kernel.",
    );
  }
  if (name === "KeyboardInterrupt") return new Trouble("The start was interrupted.", "Try again.");
  return new Trouble(`${name}: ${value}`);
}
