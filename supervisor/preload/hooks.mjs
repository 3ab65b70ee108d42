// The part of modules.cjs for import where Node.js has it in another thread (module.register).
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const { Rules } = createRequire(import.meta.url)('./rules.cjs');
let rules;

export function initialize(settings) { rules = new Rules(settings); }

export async function resolve(request, context, next) {
  const from = context.parentURL?.startsWith('file:') ? fileURLToPath(context.parentURL) : context.parentURL;
  if (!from || rules.request(request, from)) return next(request, context); // the program itself, or a built-in module
  const found = await next(request, context);
  if (found.url.startsWith('file:')) rules.file(fileURLToPath(found.url), request, from);
  else rules.request(found.url, from);
  return found;
}
