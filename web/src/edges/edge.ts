import { drawnPart, isHead } from "../state/address";
import type { ModelInfo } from "../wire/types";

export type Input = "q" | "k" | "v" | "";

/** The path from what one part writes to what another reads. */
export interface Edge {
  address: string;
  /** The parts at its two ends, as the map has them. */
  sender: string;
  receiver: string;
  /** The ends as they are addressed, without a head's input: a neuron is drawn as its MLP. */
  ends: readonly [string, string];
  /** Which of a head's inputs; empty for all of them, and where there is one alone. */
  input: Input;
  /** Whether the paths through MLPs in between are part of it. */
  mlps: boolean;
}

const EDGE = /^([^>@]+)->(mlps->)?([^>@]+?)(?:\.([qkv]))?(?:@.+)?$/;

export function isEdge(address: string): boolean {
  return address.includes("->");
}

/** Reads an edge's address; null where it is none. */
export function parseEdge(address: string): Edge | null {
  const found = EDGE.exec(address);
  if (!found) return null;
  const [, sender = "", mlps, receiver = "", input = ""] = found;
  return {
    address,
    sender: drawnPart(sender),
    receiver: drawnPart(receiver),
    ends: [sender, receiver],
    input: input as Input,
    mlps: mlps !== undefined,
  };
}

/** Whether a part writes something of its own to the stream. */
export function canSend(part: string): boolean {
  return isHead(part) || part === "embed" || /^L\d+\.(mlp|attn)$/.test(part);
}

/** Whether a part reads the stream, and what it read can be told apart. */
export function canReceive(part: string): boolean {
  return isHead(part) || part === "logits" || /^L\d+\.mlp$/.test(part);
}

function layerOf(part: string): number {
  return Number(/^L(\d+)/.exec(part)?.[1] ?? Number.NaN);
}

/** Whether there is an edge from one part to another in a model. */
export function comesBefore(model: ModelInfo, sender: string, receiver: string): boolean {
  if (!canSend(sender) || !canReceive(receiver)) return false;
  if (sender === "embed" || receiver === "logits") return true;
  const [from, to] = [layerOf(sender), layerOf(receiver)];
  const attention = !sender.endsWith(".mlp");
  const beside = attention && receiver.endsWith(".mlp") && !model.parallel;
  return from < to || (beside && from === to);
}

/** What stands at the arrowhead. */
export function inputLabel({ input, receiver }: Pick<Edge, "input" | "receiver">): string {
  return input || (isHead(receiver) ? "qkv" : "");
}
