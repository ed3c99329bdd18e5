-- ARGV: worker name, after how many crashes a job is a suspect, and after how many it is given up
-- A worker that starts holds nothing: what runs under its name was left by one that died. Returns how many jobs that were.
local worker, suspect_after, most_crashes, found = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), 0
for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
  if redis.call('HGET', job_key(id), 'worker') == worker then
    crash(id, suspect_after, most_crashes)
    found = found + 1
  end
end
return found
