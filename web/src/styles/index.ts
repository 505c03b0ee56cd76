import alone from "./alone.css";
import circuit from "./circuit.css";
import contrast from "./contrast.css";
import docks from "./docks.css";
import docksParts from "./docks-parts.css";
import frame from "./frame.css";
import gradients from "./gradients.css";
import head from "./head.css";
import headParts from "./head-parts.css";
import inspector from "./inspector.css";
import map from "./map.css";
import mapTools from "./map-tools.css";
import mlp from "./mlp.css";
import norm from "./norm.css";
import own from "./own.css";
import parts from "./parts.css";
import patching from "./patching.css";
import paths from "./paths.css";
import prompt from "./prompt.css";
import residual from "./residual.css";
import save from "./save.css";
import status from "./status.css";
import steering from "./steering.css";
import tokens from "./tokens.css";
import tour from "./tour.css";
import weights from "./weights.css";

/** All style sheets, the general ones first. */
export const css = [
  frame,
  docks,
  docksParts,
  parts,
  prompt,
  contrast,
  map,
  mapTools,
  head,
  headParts,
  tokens,
  mlp,
  norm,
  residual,
  patching,
  gradients,
  weights,
  paths,
  circuit,
  inspector,
  own,
  steering,
  status,
  save,
  tour,
  alone,
].join("");
