// Puts the server's sources beside the extension, as they go into the package: `server/`, with a digest of them as its version.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const extension = path.resolve(import.meta.dirname, '..');
const clone = path.resolve(extension, '../..');
const target = path.join(extension, 'server');

fs.rmSync(target, { recursive: true, force: true });
for (const name of ['pyproject.toml', 'README.md', 'LICENSE', 'fim_lsp']) {
  fs.cpSync(path.join(clone, name), path.join(target, name), {
    recursive: true,
    dereference: true,
    filter: (source) => !/__pycache__|\.pyc$/.test(source),
  });
}
const digest = createHash('sha256');
for (const file of fs.readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name)).sort()) {
  digest.update(path.relative(target, file)).update('\0').update(fs.readFileSync(file)).update('\0');
}
fs.writeFileSync(path.join(target, 'version'), `${digest.digest('hex').slice(0, 16)}\n`);
