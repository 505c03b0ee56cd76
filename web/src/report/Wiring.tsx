import type { Signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { signed } from "../draw/number";
import { useSize } from "../views/shared/useSize";
import { beside, type Place, type Wire, wiring } from "./geometry";
import type { Focus } from "./mount";
import type { Explanation } from "./types";

const THINNEST = 0.8;
const THICKEST = 7;
const INPUT_NAMES: Readonly<Record<string, string>> = { q: "query", k: "key", v: "value" };

/** The circuit on the model's map: parts as they stand in it, edges as wires. */
export function Wiring({ explanation, focus }: { explanation: Explanation; focus: Signal<Focus> }) {
  const { ref, size } = useSize();
  const shown = focus.value.shown;
  const drawn = useMemo(
    () => wiring(explanation.shape, explanation.edges.slice(0, shown), size.value.width),
    [explanation, shown, size.value.width],
  );
  const most = Math.abs(explanation.edges[0]?.effect.value ?? 1) || 1;
  const looked = focus.value.over ?? focus.value.part;
  const near = looked ? beside(drawn.wires, looked) : null;
  return (
    <div class="wiring" ref={ref}>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot stand in a drawing */}
      <svg
        data-testid="wiring"
        width={drawn.width}
        height={drawn.height}
        role="group"
        aria-label="Wiring of the circuit. Tab moves through its parts."
      >
        {drawn.wires.map((wire) => (
          <WireLine
            key={wire.link.edge}
            wire={wire}
            most={most}
            faint={looked !== null && wire.from !== looked && wire.to !== looked}
          />
        ))}
        {drawn.places.map((place) => (
          <Part
            key={place.address}
            place={place}
            faint={near !== null && !near.has(place.address)}
            focus={focus}
          />
        ))}
      </svg>
    </div>
  );
}

function WireLine({ wire, most, faint }: { wire: Wire; most: number; faint: boolean }) {
  const { link, input } = wire;
  const share = Math.sqrt(Math.abs(link.effect.value) / most);
  const reads = INPUT_NAMES[input];
  return (
    <path
      class="wire"
      data-testid="wire"
      data-edge={link.edge}
      data-input={input}
      data-negative={link.effect.value < 0}
      data-faint={faint}
      d={wire.path}
      stroke-width={(THINNEST + share * (THICKEST - THINNEST)).toFixed(1)}
    >
      <title>
        {`${link.edge}${reads ? ` (by the ${reads})` : ""}: patched alone ${signed(link.effect.value)}`}
        {link.effect.error === null ? "" : ` ± ${link.effect.error.toFixed(2)}`}
        {`, score ${signed(link.score, 3)}`}
      </title>
    </path>
  );
}

interface PartProps {
  place: Place;
  faint: boolean;
  focus: Signal<Focus>;
}

function Part({ place, faint, focus }: PartProps) {
  const { address, label, x, y, inside } = place;
  if (!inside) return <circle class="part-out" cx={x} cy={y} r={2.4} />;
  const wide = 9 + label.length * 3.6;
  const tall = label === address ? 20 : 17;
  const look = (over: string | null) => {
    focus.value = { ...focus.peek(), over };
  };
  const choose = () => {
    const { part } = focus.peek();
    focus.value = { ...focus.peek(), part: part === address ? null : address };
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a button cannot stand in a drawing
    <g
      class="part-in"
      data-testid={`part-${address}`}
      data-faint={faint}
      data-chosen={focus.value.part === address}
      role="button"
      tabindex={0}
      aria-label={address}
      aria-pressed={focus.value.part === address}
      transform={`translate(${x} ${y})`}
      onPointerEnter={() => look(address)}
      onPointerLeave={() => look(null)}
      onClick={choose}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        choose();
      }}
    >
      <rect
        x={-wide}
        y={-tall / 2}
        width={2 * wide}
        height={tall}
        rx={address.includes("H") ? 10 : 3}
      />
      {label !== address && <title>{address}</title>}
      <text text-anchor="middle" dy="0.34em">
        {label}
      </text>
    </g>
  );
}
