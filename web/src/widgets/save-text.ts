// A text, part by part, as a file in the downloads folder.

export async function saveText(fileName: string, parts: AsyncIterable<string>): Promise<void> {
  // Blobs of parts, not one string: the browser may keep them on disk, and a string has a bound.
  const blobs: Blob[] = [];
  for await (const part of parts) blobs.push(new Blob([part]));
  const url = URL.createObjectURL(new Blob(blobs, { type: 'text/plain;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  // The download has its own hold on the blob once the click was handled.
  requestAnimationFrame(() => requestAnimationFrame(() => URL.revokeObjectURL(url)));
}
