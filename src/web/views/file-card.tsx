/** A file in a message: an image is shown, anything else is named; both can be saved. Nothing is opened by itself. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { FileEntry } from '../../protocol/requests.ts';
import { fetchBlob, isShownImage, previewOf, saveBlob } from '../platform/file-blobs.ts';
import { useApp, useSurroundings } from './context.ts';
import { Icon, IconButton } from './icons.tsx';

export function FileCard({ file }: { readonly file: FileEntry }): JSX.Element {
  const app = useApp();
  const { texts, formats } = useSurroundings();
  const [done, setDone] = useState<number | null>(null);
  const save = async (): Promise<void> => {
    setDone(0);
    const blob = await fetchBlob(app.client, file, (bytes) => setDone(bytes));
    setDone(null);
    if (blob === null) app.tellFault(texts.message.fetchFailed);
    else saveBlob(blob, file.name);
  };
  return (
    <div class="file">
      {isShownImage(file) && <ImagePreview file={file} />}
      <div class="file-line">
        <Icon name="file" />
        <span class="file-name">
          <bdi>{file.name}</bdi>
          <span class="hint">{formats.bytes(file.bytes)}</span>
        </span>
        {done === null ? (
          <IconButton icon="save" label={texts.message.download(file.name)} onClick={() => void save()} />
        ) : (
          <progress max={Math.max(1, file.bytes)} value={done} aria-label={texts.message.fetching} />
        )}
      </div>
    </div>
  );
}

function ImagePreview({ file }: { readonly file: FileEntry }): JSX.Element | null {
  const app = useApp();
  const { texts } = useSurroundings();
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    let isShown = true;
    void previewOf(app.client, file).then((found) => {
      if (isShown) setAddress(found);
    });
    return () => {
      isShown = false;
    };
  }, [file.id]);
  if (address === null) return <div class="image-space" aria-hidden="true" />;
  return (
    <button
      type="button"
      class="image-button"
      aria-label={texts.message.open(file.name)}
      onClick={() => app.store.set({ dialog: { kind: 'image', name: file.name, address } })}
    >
      <img src={address} alt={texts.message.preview(file.name)} />
    </button>
  );
}
