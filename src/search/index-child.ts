/** The process that has the index open: `index-child.ts PATH`. One request at a time, in their order. It ends with its parent. */
import { IndexFile } from './index-file.ts';
import type { IndexAnswer, IndexRequest } from './index-messages.ts';

const path = process.argv[2] ?? '';
let index: IndexFile | null = null;

function answer(request: IndexRequest): IndexAnswer {
  const { id } = request;
  try {
    index ??= new IndexFile(path);
    switch (request.kind) {
      case 'places':
        return { id, kind: 'places', places: index.places() };
      case 'write':
        index.write(request.batch);
        return { id, kind: 'written' };
      case 'find':
        return { id, kind: 'found', hits: index.find(request.question) };
    }
  } catch (error) {
    return { id, kind: 'failed', cause: error instanceof Error ? error.message : String(error) };
  }
}

/** A parent that is gone is no error: it is the end. */
function tell(reply: IndexAnswer): void {
  process.send?.(reply, (error: Error | null) => {
    if (error !== null) process.exit(0);
  });
}

process.on('disconnect', () => {
  index?.close();
  process.exit(0);
});
process.on('message', (request: IndexRequest) => tell(answer(request)));
tell({ id: null });
// A terminal's Ctrl-C reaches the whole group; the parent still needs this process until it disconnects.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
