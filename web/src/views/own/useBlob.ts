import { useEffect, useState } from "preact/hooks";

/** An address of bytes in the page itself, for as long as they are shown. */
export function useBlob(data: Uint8Array | Float32Array | undefined, mime: string): string | null {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    if (!(data instanceof Uint8Array)) return setAddress(null);
    const made = URL.createObjectURL(new Blob([new Uint8Array(data)], { type: mime }));
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [data, mime]);
  return address;
}
