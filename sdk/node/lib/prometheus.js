'use strict';

const SAMPLE = /^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"/g;
const COMMENT = /^# (HELP|TYPE) (\S+) ?(.*)$/;
const PARTS = /_(?:bucket|sum|count)$/;

// parse reads metrics in the text format of Prometheus: by name, { type, help, samples: [{ name, labels, value }] }.
// The parts of a histogram are samples of it.
function parse(text) {
  const families = Object.create(null); // a metric may be called constructor
  const family = (name) => families[name] || (families[name] = { type: 'untyped', help: '', samples: [] });
  for (const line of text.split('\n')) {
    const comment = COMMENT.exec(line);
    if (comment !== null) {
      family(comment[2])[comment[1].toLowerCase()] = unescape(comment[3]);
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (sample === null) continue;
    const [, name, labels = '', value] = sample;
    const base = families[name] ? name : name.replace(PARTS, '');
    family(families[base] ? base : name).samples.push({
      name,
      labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, label, content]) => [label, unescape(content)])),
      value: number(value),
    });
  }
  return families;
}

function unescape(text) { return text.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c)); }

function number(text) {
  if (/^[+-]?Inf$/.test(text)) return text[0] === '-' ? -Infinity : Infinity;
  return Number(text);
}

module.exports = { parse };
