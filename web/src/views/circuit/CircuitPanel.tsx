import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { CircuitInfo } from "../../wire/types";
import { Toggle } from "../shared/Toggle";
import { useHeld } from "../shared/useHeld";
import { Comparison } from "./Comparison";
import { EdgeTable } from "./EdgeTable";
import { Faithfulness } from "./Faithfulness";
import { PartBar } from "./PartBar";
import { SizeBar } from "./SizeBar";
import { CIRCUIT, circuitRows, circuitSettings } from "./state";

/** The circuit that is open on the board. */
export function CircuitPanel() {
  const board = useBoard();
  const { picture, stale } = useHeld(board.kernel.picture(CIRCUIT).value);
  const info = infoOf(picture, "circuit");
  const open = board.kernel.circuit.value;
  return (
    <section class="circuit" data-testid="circuit-view" aria-label="Circuit" data-kept={info?.kept}>
      <Head info={open ? info : null} />
      {!open && <Nothing />}
      {open && !info && <p class="empty">Waiting for the model.</p>}
      {open && info && picture && (
        <div class="circuit-body" data-stale={stale}>
          <Found picture={picture} info={info} />
        </div>
      )}
    </section>
  );
}

function Head({ info }: { info: CircuitInfo | null }) {
  const board = useBoard();
  const { drawn } = circuitSettings(board);
  return (
    <header class="section-head">
      <h2>Circuit</h2>
      {info && (
        <>
          <span class="faint">
            {info.method}
            {info.task && ` · ${info.task}`}
          </span>
          <span class="grow" />
          <Toggle
            name="circuit-drawn"
            label="on the map"
            title="Draw the circuit's edges on the map"
            on={drawn}
          />
          <button
            type="button"
            class="icon"
            data-testid="circuit-close"
            aria-label="Take the circuit off the board"
            title="Take the circuit off the board"
            disabled={!board.kernel.live.value}
            onClick={() => void board.editCircuit("close")}
          >
            ×
          </button>
        </>
      )}
    </header>
  );
}

const OPEN = `circuit = cb.discover(board.model, board.circuit_task(), size=30)
board.circuit = circuit`;

function Nothing() {
  return (
    <div class="circuit-nothing">
      <p class="empty">
        No circuit is open. Find one between the prompt and the contrast prompt, and open it:
      </p>
      <pre>
        <code>{OPEN}</code>
      </pre>
      <p class="empty">
        Any <code>cb.Circuit</code> of this model will do; <code>board.compare(other)</code> then
        sets a second one beside it.
      </p>
    </div>
  );
}

function Found({ picture, info }: { picture: Picture; info: CircuitInfo }) {
  const rows = circuitRows(picture);
  const rests = new Set(info.neurons.map((neuron) => neuron.replace(/\.n\d+$/, "")));
  return (
    <>
      <SizeBar info={info} />
      <Faithfulness picture={picture} info={info} />
      <Comparison info={info} />
      {info.neurons.length > 0 && (
        <p class="empty" data-testid="circuit-neurons">
          {info.neurons.length} neurons are nodes of their own; an MLP’s address is the rest of it.
          The map draws them at their MLP.
        </p>
      )}
      <PartBar rows={rows} />
      <EdgeTable rows={rows} compared={Boolean(info.other)} rests={rests} />
    </>
  );
}
