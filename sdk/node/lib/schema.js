'use strict';

// A subset of JSON Schema: type, enum, const, properties, required, additionalProperties, items, minItems, maxItems,
// minLength, maxLength, pattern, minimum, maximum, exclusiveMinimum, exclusiveMaximum, anyOf, allOf, oneOf, not,
// $defs and $ref within the schema. What else stands in a schema is not looked at.

const TYPES = {
  null: (v) => v === null,
  boolean: (v) => typeof v === 'boolean',
  number: (v) => typeof v === 'number',
  integer: (v) => Number.isInteger(v),
  string: (v) => typeof v === 'string',
  array: Array.isArray,
  object: (v) => v !== null && typeof v === 'object' && !Array.isArray(v),
};

// compile makes a check of a schema. The check returns nothing for a value that holds, or says where it does not and
// why.
function compile(root) {
  const compiled = new Map(); // by schema: a $ref may lead back to one that is being compiled
  const resolve = (ref) => {
    if (ref !== '#' && !ref.startsWith('#/')) throw new Error(`$ref ${JSON.stringify(ref)} leads out of the schema`);
    const path = ref.split('/').slice(1).map((step) => decodeURIComponent(step).replace(/~1/g, '/').replace(/~0/g, '~'));
    const found = path.reduce((at, step) => (at !== null && typeof at === 'object' && Object.hasOwn(at, step) ? at[step] : undefined), root);
    if (found === undefined) throw new Error(`$ref ${JSON.stringify(ref)} leads nowhere`);
    return found;
  };
  const build = (schema) => {
    if (schema === true) return () => undefined;
    if (schema === false) return (value, at) => `${at}: nothing is allowed here`;
    if (!TYPES.object(schema)) throw new Error('a schema is an object or a boolean');
    if (compiled.has(schema)) return (value, at) => compiled.get(schema)(value, at);
    compiled.set(schema, undefined);
    const checks = rules(schema, build, resolve);
    const check = (value, at) => {
      for (const rule of checks) {
        const fault = rule(value, at);
        if (fault !== undefined) return fault;
      }
      return undefined;
    };
    compiled.set(schema, check);
    return check;
  };
  const check = build(root);
  return (value) => check(value, '$');
}

// rules are the checks of one schema without what it is made of.
function rules(schema, build, resolve) {
  const checks = [];
  const has = (name) => Object.hasOwn(schema, name);
  const when = (type, holds, says) => checks.push((value, at) => (TYPES[type](value) && !holds(value) ? `${at}: ${says}` : undefined));

  if (has('$ref')) checks.push(build(resolve(schema.$ref)));
  if (has('type')) {
    const names = [].concat(schema.type);
    for (const name of names) if (!Object.hasOwn(TYPES, name)) throw new Error(`there is no type ${JSON.stringify(name)}`);
    checks.push((value, at) => (names.some((name) => TYPES[name](value)) ? undefined : `${at}: it is no ${names.join(' or ')}`));
  }
  if (has('enum')) checks.push((value, at) => (schema.enum.some((one) => same(one, value)) ? undefined : `${at}: it is none of ${JSON.stringify(schema.enum)}`));
  if (has('const')) checks.push((value, at) => (same(schema.const, value) ? undefined : `${at}: it is not ${JSON.stringify(schema.const)}`));

  if (has('minimum')) when('number', (v) => v >= schema.minimum, `it is less than ${schema.minimum}`);
  if (has('maximum')) when('number', (v) => v <= schema.maximum, `it is more than ${schema.maximum}`);
  if (has('exclusiveMinimum')) when('number', (v) => v > schema.exclusiveMinimum, `it is not more than ${schema.exclusiveMinimum}`);
  if (has('exclusiveMaximum')) when('number', (v) => v < schema.exclusiveMaximum, `it is not less than ${schema.exclusiveMaximum}`);

  // Characters, not UTF-16 units.
  if (has('minLength')) when('string', (v) => [...v].length >= schema.minLength, `it has fewer than ${schema.minLength} characters`);
  if (has('maxLength')) when('string', (v) => [...v].length <= schema.maxLength, `it has more than ${schema.maxLength} characters`);
  if (has('pattern')) {
    const pattern = new RegExp(schema.pattern, 'u');
    when('string', (v) => pattern.test(v), `it does not match ${schema.pattern}`);
  }

  if (has('minItems')) when('array', (v) => v.length >= schema.minItems, `it has fewer than ${schema.minItems} items`);
  if (has('maxItems')) when('array', (v) => v.length <= schema.maxItems, `it has more than ${schema.maxItems} items`);
  if (has('items')) {
    const check = build(schema.items);
    checks.push((value, at) => (Array.isArray(value) ? first(value, (item, i) => check(item, `${at}[${i}]`)) : undefined));
  }

  if (has('required')) for (const name of schema.required) when('object', (v) => Object.hasOwn(v, name), `${name} is missing`);
  if (has('properties') || has('additionalProperties')) {
    const named = new Map(Object.entries(schema.properties || {}).map(([name, of]) => [name, build(of)]));
    const others = has('additionalProperties') ? build(schema.additionalProperties) : undefined;
    checks.push((value, at) => {
      if (!TYPES.object(value)) return undefined;
      return first(Object.keys(value), (name) => {
        const check = named.get(name) || others;
        return check && check(value[name], `${at}.${name}`);
      });
    });
  }

  const each = (name) => schema[name].map(build);
  if (has('allOf')) checks.push(...each('allOf'));
  if (has('anyOf')) {
    const any = each('anyOf');
    checks.push((value, at) => (any.some((check) => check(value, at) === undefined) ? undefined : `${at}: it is none of what anyOf has`));
  }
  if (has('oneOf')) {
    const one = each('oneOf');
    checks.push((value, at) => (one.filter((check) => check(value, at) === undefined).length === 1 ? undefined : `${at}: it is not exactly one of what oneOf has`));
  }
  if (has('not')) {
    const not = build(schema.not);
    checks.push((value, at) => (not(value, at) === undefined ? `${at}: it is what it must not be` : undefined));
  }
  return checks;
}

// first is the first fault that is found in a list.
function first(list, check) {
  for (let i = 0; i < list.length; i++) {
    const fault = check(list[i], i);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

// same compares two values of JSON.
function same(a, b) {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object' || Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]));
}

module.exports = { compile };
