import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const { JOURNAL, DROVER_WORKER_ID = '' } = process.env;
const file = JOURNAL ? openSync(join(JOURNAL, DROVER_WORKER_ID), 'a') : undefined;

/** Appends a line to this worker's file in the folder JOURNAL, where that is set. */
export function journal(line: string) {
  if (file !== undefined) writeSync(file, `${line}\n`);
}
