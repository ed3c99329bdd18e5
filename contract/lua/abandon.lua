-- ARGV: worker name
-- A worker that starts holds nothing: what runs under its name was left by one that died. Returns how many jobs that were.
local worker, found = ARGV[1], 0
for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
  if redis.call('HGET', job_key(id), 'worker') == worker then
    requeue(id, 'crashes')
    found = found + 1
  end
end
return found
