'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { compile } = require('../lib/schema');

const good = (schema, ...values) => values.forEach((value) => assert.equal(compile(schema)(value), undefined, `${JSON.stringify(schema)} takes ${JSON.stringify(value)}`));
const bad = (schema, value, fault) => assert.equal(compile(schema)(value), fault);

test('schemas: what drover and the other SDKs take and refuse', () => {
  const { schemas } = require('../../../ipc/testdata/schemas.json');
  assert.ok(schemas.length > 0);
  for (const { schema, valid, invalid } of schemas) {
    good(schema, ...valid);
    for (const value of invalid) assert.equal(typeof compile(schema)(value), 'string', `${JSON.stringify(schema)} refuses ${JSON.stringify(value)}`);
  }
});

test('schemas: types', () => {
  good({ type: 'null' }, null);
  good({ type: ['string', 'boolean'] }, 'a', true);
  good({ type: 'integer' }, 3, 3.0, -0);
  good({ type: 'object' }, {});
  good({ type: 'array' }, []);
  good(true, 1);
  good({}, 1, 'a', null);
  bad({ type: 'integer' }, 3.5, '$: it is no integer');
  bad({ type: 'object' }, [], '$: it is no object');
  bad({ type: 'object' }, null, '$: it is no object');
  bad({ type: ['string', 'null'] }, 1, '$: it is no string or null');
  bad(false, 1, '$: nothing is allowed here');
  assert.throws(() => compile({ type: 'date' }), /no type "date"/);
  assert.throws(() => compile(7), /a schema is/);
});

test('schemas: values', () => {
  good({ enum: [1, 'a', { b: [1] }] }, 1, 'a', { b: [1] });
  good({ const: { a: 1, b: 2 } }, { b: 2, a: 1 });
  bad({ enum: [1, 'a'] }, '1', '$: it is none of [1,"a"]');
  bad({ const: [1, 2] }, [2, 1], '$: it is not [1,2]');
  bad({ const: [1] }, { 0: 1 }, '$: it is not [1]');
  good({ minimum: 1, maximum: 3 }, 1, 3, 'not a number');
  bad({ minimum: 1 }, 0.9, '$: it is less than 1');
  bad({ maximum: 3 }, 4, '$: it is more than 3');
  bad({ exclusiveMinimum: 1 }, 1, '$: it is not more than 1');
  bad({ exclusiveMaximum: 1 }, 1, '$: it is not less than 1');
  good({ minLength: 2, maxLength: 2 }, 'ab', '😀😀', 7);
  bad({ minLength: 2 }, '😀', '$: it has fewer than 2 characters');
  bad({ maxLength: 1 }, 'ab', '$: it has more than 1 characters');
  good({ pattern: '^a.c$' }, 'abc', 'a😀c', 7);
  bad({ pattern: 'b' }, 'ac', '$: it does not match b');
});

test('schemas: lists and objects', () => {
  good({ items: { type: 'string' }, minItems: 1, maxItems: 2 }, ['a'], ['a', 'b'], 'no list');
  bad({ items: { type: 'string' } }, ['a', 1], '$[1]: it is no string');
  bad({ minItems: 1 }, [], '$: it has fewer than 1 items');
  bad({ maxItems: 1 }, [1, 2], '$: it has more than 1 items');
  const order = { properties: { id: { type: 'integer' }, lines: { items: { required: ['sku'] } } }, required: ['id'], additionalProperties: false };
  good(order, { id: 1, lines: [{ sku: 1 }] }, 'no object');
  bad(order, {}, '$: id is missing');
  bad(order, { id: 1, lines: [{}] }, '$.lines[0]: sku is missing');
  bad(order, { id: 1, more: 1 }, '$.more: nothing is allowed here');
  bad({ additionalProperties: { type: 'number' } }, { a: 'x' }, '$.a: it is no number');
  bad({ required: ['toString'] }, {}, '$: toString is missing');
});

test('schemas: combinations and references', () => {
  good({ anyOf: [{ type: 'string' }, { minimum: 3 }] }, 'a', 3);
  bad({ anyOf: [{ type: 'string' }, { minimum: 3 }] }, 2, '$: it is none of what anyOf has');
  bad({ allOf: [{ type: 'number' }, { minimum: 3 }] }, 2, '$: it is less than 3');
  good({ oneOf: [{ type: 'number' }, { minimum: 3 }] }, 2, 'a');
  bad({ oneOf: [{ type: 'number' }, { minimum: 3 }] }, 3, '$: it is not exactly one of what oneOf has');
  bad({ not: { type: 'null' } }, null, '$: it is what it must not be');
  const tree = { $ref: '#/$defs/node', $defs: { node: { type: 'object', properties: { children: { items: { $ref: '#/$defs/node' } } } } } };
  good(tree, { children: [{ children: [] }] });
  bad(tree, { children: [{ children: [1] }] }, '$.children[0].children[0]: it is no object');
  bad({ type: 'object', properties: { next: { $ref: '#' } } }, { next: { next: 1 } }, '$.next.next: it is no object');
  assert.throws(() => compile({ $ref: '#/$defs/none' }), /leads nowhere/);
  assert.throws(() => compile({ $ref: 'https://example.com/x' }), /leads out of/);
});
