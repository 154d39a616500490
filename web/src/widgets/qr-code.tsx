// A text as a QR code: one path, dark on white in both themes, since cameras expect that.

import { useEffect, useState } from 'preact/hooks';

interface Modules {
  readonly size: number;
  readonly path: string;
}

export function QrCode({ text, label }: { readonly text: string; readonly label: string }) {
  const [modules, setModules] = useState<Modules | undefined>(undefined);
  useEffect(() => {
    let isCurrent = true;
    void import('uqr').then(({ encode }) => {
      const { data, size } = encode(text, { ecc: 'M', border: 2 });
      if (isCurrent) setModules({ size, path: pathOf(data) });
    });
    return () => {
      isCurrent = false;
    };
  }, [text]);
  return (
    <div class="qr">
      {modules === undefined ? null : (
        <svg viewBox={`0 0 ${modules.size} ${modules.size}`} role="img" aria-label={label} shape-rendering="crispEdges">
          <path d={modules.path} fill="#0b1418" />
        </svg>
      )}
    </div>
  );
}

function pathOf(rows: readonly (readonly boolean[])[]): string {
  let path = '';
  for (const [y, row] of rows.entries()) {
    for (const [x, isDark] of row.entries()) if (isDark) path += `M${x} ${y}h1v1h-1z`;
  }
  return path;
}
