import alone from "./alone.css";
import docks from "./docks.css";
import docksParts from "./docks-parts.css";
import frame from "./frame.css";
import head from "./head.css";
import headParts from "./head-parts.css";
import inspector from "./inspector.css";
import map from "./map.css";
import mapTools from "./map-tools.css";
import mlp from "./mlp.css";
import norm from "./norm.css";
import own from "./own.css";
import parts from "./parts.css";
import paths from "./paths.css";
import prompt from "./prompt.css";
import residual from "./residual.css";
import save from "./save.css";
import status from "./status.css";
import tokens from "./tokens.css";
import tour from "./tour.css";

/** All style sheets, the general ones first. */
export const css = [
  frame,
  docks,
  docksParts,
  parts,
  prompt,
  map,
  mapTools,
  head,
  headParts,
  tokens,
  mlp,
  norm,
  residual,
  paths,
  inspector,
  own,
  status,
  save,
  tour,
  alone,
].join("");
