'use strict';
const fs = require('fs');
const path = require('path');

// journal appends a line to this worker's file in the folder JOURNAL, where that is set.
const file = process.env.JOURNAL && fs.openSync(path.join(process.env.JOURNAL, process.env.DROVER_WORKER_ID), 'a');
exports.journal = (line) => file && fs.writeSync(file, `${line}\n`);
