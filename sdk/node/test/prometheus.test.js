'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { parse } = require('../lib/prometheus');

test('metrics are read by name, the parts of a histogram as samples of it', () => {
  const read = parse([
    '# HELP a_total Some "help" with a \\\\ and a \\n line.', '# TYPE a_total counter', 'a_total 3', 'a_total{kind="new",text="a \\"b\\" \\\\ \\n, c=d}"} 1.5e3',
    '# TYPE s histogram', 's_bucket{le="0.1"} 1', 's_bucket{le="+Inf"} 2', 's_sum 0.5', 's_count 2', '', 'bare_count -Inf', 'constructor NaN 1395066363000', '# EOF',
  ].join('\n'));
  assert.deepEqual(read.a_total, {
    type: 'counter', help: 'Some "help" with a \\ and a \n line.', samples: [
      { name: 'a_total', labels: {}, value: 3 }, { name: 'a_total', labels: { kind: 'new', text: 'a "b" \\ \n, c=d}' }, value: 1500 },
    ],
  });
  assert.deepEqual(read.s.samples.map(({ name, labels, value }) => [name, labels.le, value]), [['s_bucket', '0.1', 1], ['s_bucket', '+Inf', 2], ['s_sum', undefined, 0.5], ['s_count', undefined, 2]]);
  assert.equal(read.bare_count.samples[0].value, -Infinity);
  assert.ok(Number.isNaN(read.constructor.samples[0].value));
});
