import type { Disk, Server } from "../../api/server";
import type { Status } from "../../api/types";
import { formatBytes, formatCount, formatExact, formatShare } from "../../base/format";
import { text } from "../../base/strings";
import { receivedPerSpan } from "../../model/serverFigures";
import { Fact, Facts, Meter } from "./Facts";

/** Where the spans are and what they take. */
export function Stores({ status, server }: { status: Status; server: Server | undefined }) {
  const words = text.status.stores;
  const { storage } = status;
  const perSpan = storage.segmentSpanCount > 0 ? storage.segmentBytes / storage.segmentSpanCount : undefined;
  const received = server && receivedPerSpan(server);
  const times = perSpan && received && received / perSpan;
  return (
    <Facts title={words.title}>
      <Fact name={words.spans} title={formatExact(status.spanCount)}>
        {formatCount(status.spanCount)}
      </Fact>
      <Fact
        name={words.segments}
        title={formatExact(storage.segmentSpanCount)}
        note={perSpan && words.perSpan(formatBytes(Math.round(perSpan)))}
      >
        {formatCount(storage.segmentSpanCount)} · {formatBytes(storage.segmentBytes)}
      </Fact>
      <Fact
        name={words.head}
        title={words.headHint}
        note={storage.headBytes > 0 && `${formatBytes(storage.headBytes)} ${words.memory}`}
      >
        {formatCount(storage.headSpanCount)}
      </Fact>
      {times !== undefined && times > 1 && (
        <Fact name={words.compression} note={words.than(formatBytes(Math.round(received!)))}>
          {words.times(times.toFixed(times < 10 ? 1 : 0))}
        </Fact>
      )}
      <Fact name={words.files} note={server?.disk?.directory}>
        {formatBytes(status.diskBytes)}
      </Fact>
      <Fact name={words.pending} note={words.segmentsOf(status.segmentCount)}>
        {formatCount(storage.pendingSegmentCount)}
      </Fact>
    </Facts>
  );
}

/** How full the disk and the memory of the process are. */
export function Room({ server }: { server: Server }) {
  const { memory, disk } = server;
  const words = text.status.stores;
  const resident = memory.residentBytes;
  return (
    <div className="rooms">
      {disk && <DiskRoom disk={disk} />}
      {resident !== undefined && (
        <div>
          <b>{words.memory}</b>
          <Meter
            used={resident / memory.limitBytes}
            full={resident > memory.limitBytes * 0.95}
            label={formatShare(Math.min(1, resident / memory.limitBytes))}
          />
          <span className="num">{words.of(formatBytes(resident), formatBytes(memory.limitBytes))}</span>
          <small className="muted num">
            {words.parts(formatBytes(memory.headBytes), formatBytes(memory.cacheBytes))}
          </small>
        </div>
      )}
    </div>
  );
}

function DiskRoom({ disk }: { disk: Disk }) {
  const words = text.status.stores;
  const { sizeBytes: size, freeBytes: free, reservedBytes: reserved, watermarkBytes: watermark } = disk;
  const stops = watermark === undefined ? [reserved] : [reserved, watermark];
  return (
    <div>
      <b>{words.disk}</b>
      <Meter
        used={1 - free / size}
        marks={stops.map((bytes) => 1 - bytes / size)}
        full={free < Math.max(...stops)}
        label={formatShare(1 - free / size)}
      />
      <span className="num">{words.free(formatBytes(free), formatBytes(size))}</span>
      <small className="muted num">
        {[
          watermark !== undefined && words.watermark(formatBytes(watermark)),
          words.reserved(formatBytes(reserved)),
        ]
          .filter(Boolean)
          .join(", ")}
      </small>
    </div>
  );
}
