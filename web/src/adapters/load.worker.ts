// Reads a file, slice by slice, off the page's thread: parsing, types, Arrow and hashes. The page puts
// what comes out. One worker for each load; the page ends it when the load ends, however it ends.

import { toMeshError } from '@shoal/shared';
import { readChunks } from '@shoal/peer/read-chunks';
import { fileSource } from './file-source.ts';
import { type FromLoadWorker, ITEMS_AHEAD, type ToLoadWorker } from './load-messages.ts';

let credit = ITEMS_AHEAD;
let onCredit: (() => void) | undefined;

addEventListener('message', (event: MessageEvent<ToLoadWorker>) => {
  const message = event.data;
  if (message.kind === 'read') void read(message);
  else {
    credit += 1;
    onCredit?.();
  }
});

async function read({ blob, name, options }: Extract<ToLoadWorker, { kind: 'read' }>): Promise<void> {
  try {
    for await (const item of readChunks(fileSource(blob, name), options, {})) {
      while (credit === 0) await nextCredit();
      credit -= 1;
      say({ kind: 'item', item }, item.kind === 'chunk' ? [item.bytes.buffer] : []);
    }
    say({ kind: 'done' });
  } catch (error) {
    say({ kind: 'failed', error: toMeshError(error).toWire() });
  }
}

function nextCredit(): Promise<void> {
  return new Promise((resolve) => {
    onCredit = () => {
      onCredit = undefined;
      resolve();
    };
  });
}

function say(message: FromLoadWorker, transfer: ArrayBufferLike[] = []): void {
  postMessage(message, { transfer: transfer as Transferable[] });
}
