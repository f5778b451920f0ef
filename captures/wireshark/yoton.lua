-- SPDX-License-Identifier: BSD-2-Clause
-- Wireshark and tshark read Yoton by this: handshake, packages, signals, objects, requests with their replies, and what breaks
-- the rules of spec/wire.md. No port needs to be set. Install: copy it into the folder that Help > About > Folders calls
-- "Personal Lua Plugins"; or for once: wireshark -X lua_script:yoton.lua FILE

local yoton = Proto("yoton", "Yoton")

-- ---- Fields, experts, preferences ---------------------------------------------------------------

local F = {
  line = ProtoField.string("yoton.line", "Handshake line"),
  id = ProtoField.uint64("yoton.id", "Context id", base.HEX),
  pid = ProtoField.string("yoton.pid", "Process id"),
  refusal = ProtoField.string("yoton.refusal", "Refusal"),
  control = ProtoField.string("yoton.control", "Control bytes"),
  slot = ProtoField.uint64("yoton.slot", "Slot", base.DEC),
  slot_name = ProtoField.string("yoton.slot_name", "Slot name"),
  source = ProtoField.uint64("yoton.source", "Source", base.HEX),
  seq = ProtoField.uint64("yoton.seq", "Source sequence number", base.DEC),
  dest = ProtoField.uint64("yoton.dest", "Destination", base.HEX),
  dest_seq = ProtoField.uint64("yoton.dest_seq", "Destination sequence number", base.DEC),
  length = ProtoField.uint64("yoton.length", "Length", base.DEC),
  signal = ProtoField.string("yoton.signal", "Signal"),
  payload = ProtoField.bytes("yoton.payload", "Payload"),
  text = ProtoField.string("yoton.text", "Text"),
  object = ProtoField.string("yoton.object", "Object"),
  word = ProtoField.string("yoton.word", "Word"),
  request = ProtoField.uint64("yoton.request", "Request id", base.DEC),
  offer_in = ProtoField.framenum("yoton.offer_in", "Offered in"),
  take_in = ProtoField.framenum("yoton.take_in", "Taken by req! in"),
  request_in = ProtoField.framenum("yoton.request_in", "Request in", base.NONE, frametype.REQUEST),
  reply_in = ProtoField.framenum("yoton.reply_in", "Reply in", base.NONE, frametype.RESPONSE),
  time = ProtoField.relative_time("yoton.time", "Time since the request"),
}
local fields = {}
for _, f in pairs(F) do fields[#fields + 1] = f end
yoton.fields = fields

local E = {}
for name, how in pairs({
  bad_line = { "The handshake line is not good (HS-14)", "ERROR" },
  control = { "Track of the stream is lost: wrong control bytes (FRAME-3)", "ERROR" },
  too_long = { "A length above the limit (FRAME-7)", "ERROR" },
  reserved = { "A package for a reserved slot (FRAME-10)", "WARN" },
  odd_signal = { "A signal with fields that are not those of FRAME-12", "WARN" },
  unknown_signal = { "A signal that nobody is to send (FRAME-15)", "WARN" },
  no_source = { "A package with source_id 0 is dropped (ROUTE-20)", "WARN" },
  late = { "A receiver drops it: its number is not above the last of its source (ROUTE-7)", "NOTE" },
  after_close = { "Behind a close signal: a receiver ignores it (LINK-13)", "WARN" },
  refused = { "The host refuses the client", "NOTE" },
}) do
  E[name] = ProtoExpert.new("yoton.expert." .. name, how[1], _G.expert.group.PROTOCOL, _G.expert.severity[how[2]])
end
local experts = {}
for _, e in pairs(E) do experts[#experts + 1] = e end
yoton.experts = experts

yoton.prefs.names = Pref.string("Base names of slots", "", "Shown by name, with every type and pattern; parted by blanks")
yoton.prefs.limit = Pref.uint("Largest payload", 1073741824, "A longer one is an error in the stream (LIMIT-2)")

-- ---- Numbers and names --------------------------------------------------------------------------

local REFERENCE = UInt64(0, 0x80000000) -- 2^63: above are the words of requests (REQREP-2)
local FACTOR = UInt64(0xD2D84A61)
local names, names_of = {}, nil

-- SLOT-5 and SLOT-6 of a short ASCII name; nil where 64 bits do not do.
local function slot_hash(name)
  if #name > 60 or name:find("[\128-\255]") then return nil end
  local v = UInt64(0)
  for i = 1, #name do v = v + v:rshift(3) + FACTOR * UInt64(name:byte(i)) end
  return v + v:rshift(3) + FACTOR * UInt64(#name) + UInt64(8)
end

local function learn_names()
  if names_of == yoton.prefs.names then return end
  names_of, names = yoton.prefs.names, {}
  for base_name in names_of:gmatch("%S+") do
    for _, kind in ipairs({ "txt", "bin", "obj" }) do
      for _, pattern in ipairs({ "pub-sub", "sub-pub", "req-rep", "rep-req", "state" }) do
        local name = base_name .. "." .. kind .. "." .. pattern
        local hash = slot_hash(name:lower():gsub("^%s+", ""))
        if hash then names[tostring(hash)] = name end
      end
    end
  end
end

-- ---- Objects (section 11.1) ---------------------------------------------------------------------

local function float_text(range)
  local number = range:le_float()
  if number ~= number then return "nan" end
  if number == math.huge then return "1e999" elseif number == -math.huge then return "-1e999" end
  local text
  for digits = 1, 17 do
    text = string.format("%." .. digits .. "g", number)
    if tonumber(text) == number then break end
  end
  return text:find("[%.e]") and text or text .. ".0"
end

local PRINTED = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\" }

local function quoted(text)
  local quote = (text:find("'") and not text:find('"')) and '"' or "'"
  local escaped = text:gsub("[%c\\\127]", function(c) return PRINTED[c] or string.format("\\x%02x", c:byte()) end)
  if quote == "'" then escaped = escaped:gsub("'", "\\'") end
  return quote .. escaped .. quote
end

-- The object at `at` in words, and where it ends; nil for one that is malformed.
local function object_text(tvb, at, size, depth)
  if at >= size or depth > 60 then return nil end
  local kind = tvb(at, 1):string()
  at = at + 1
  local function room(n) return at + n <= size end
  local function count()
    if not room(1) then return nil end
    local n = tvb(at, 1):uint()
    at = at + 1
    if n < 255 then return n end
    if not room(8) then return nil end
    local wide = tvb(at, 8):le_uint64()
    at = at + 8
    if wide > UInt64(size) then return nil end
    return wide:tonumber()
  end
  if kind == "n" then return "None", at end
  if kind == "b" then
    if not room(1) then return nil end
    return tvb(at, 1):uint() ~= 0 and "True" or "False", at + 1
  elseif kind == "i" then
    if not room(8) then return nil end
    return tostring(tvb(at, 8):le_int64()), at + 8
  elseif kind == "f" then
    if not room(8) then return nil end
    return float_text(tvb(at, 8)), at + 8
  elseif kind == "s" then
    local n = count()
    if not n or not room(n) then return nil end
    return quoted(n > 0 and tvb:raw(at, n) or ""), at + n
  end
  local open, close = ({ l = "[", t = "(", d = "{" })[kind], ({ l = "]", t = ")", d = "}" })[kind]
  if not open then return nil end
  local n = count()
  if not n then return nil end
  local parts = {}
  for _ = 1, n do
    local text
    text, at = object_text(tvb, at, size, depth + 1)
    if not text then return nil end
    if kind == "d" then
      local value
      value, at = object_text(tvb, at, size, depth + 1)
      if not value then return nil end
      text = text .. ": " .. value
    end
    parts[#parts + 1] = text
  end
  local comma = kind == "t" and n == 1 and "," or ""
  return open .. table.concat(parts, ", ") .. comma .. close, at
end

-- ---- What was seen ------------------------------------------------------------------------------

-- The first pass meets the packages in their order; what it learns is kept for later looks at a frame.
local requests, slot_kinds, last_of, notes, closed

function yoton.init()
  requests, slot_kinds, last_of, notes, closed = {}, {}, {}, {}, {}
  names_of = nil
end

local function way(pinfo)
  return tostring(pinfo.src) .. ":" .. pinfo.src_port .. ">" .. tostring(pinfo.dst) .. ":" .. pinfo.dst_port
end

-- Marks that belong to one package of one frame, computed once, in order.
local function remembered(pinfo, at, find)
  local key = pinfo.number .. "@" .. tostring(at)
  if not pinfo.visited and notes[key] == nil then notes[key] = find() end
  return notes[key] or {}
end

-- ---- A package ----------------------------------------------------------------------------------

local WORDS = { ["req?"] = "req-rep", ["req-"] = "req-rep", ["req!"] = "rep-req" }

local function show_request(tree, key, pinfo, role)
  local known = requests[key] or {}
  requests[key] = known
  if not pinfo.visited then
    if role == "reply" then known[role] = known[role] or pinfo.number else known[role] = known[role] or pinfo.number end
    if role == "request" then known.at = pinfo.abs_ts end
  end
  local function link(field, frame)
    if frame and frame ~= pinfo.number then tree:add(field, frame):set_generated() end
  end
  if role ~= "offer" then link(F.offer_in, known.offer) end
  if role ~= "take" then link(F.take_in, known.take) end
  if role ~= "request" then link(F.request_in, known.request) end
  if role ~= "reply" then link(F.reply_in, known.reply) end
  if role == "reply" and known.at then
    tree:add(F.time, NSTime.new(math.floor(pinfo.abs_ts - known.at), math.floor((pinfo.abs_ts - known.at) % 1 * 1e9))):set_generated()
  end
end

local function show_payload(tvb, tree, pinfo, p)
  local size = tvb:len()
  local raw = tvb:raw(0, size)
  local name = names[tostring(p.slot)]
  local word = p.dest_seq >= REFERENCE and WORDS[raw] and raw or nil
  if word and not pinfo.visited then slot_kinds[tostring(p.slot)] = WORDS[word] end
  local kind = name and name:match("%.([^.]*)$") or slot_kinds[tostring(p.slot)]
  local text
  local typed = name and name:match("%.([^.]*)%.[^.]*$")
  if p.slot == UInt64(2) or typed == "txt" or word or kind == "sub-pub" then
    text = quoted(raw)
    tree:add(F.text, tvb(0, size), raw)
  else
    local object, stop = nil, nil
    if typed ~= "bin" then object, stop = object_text(tvb, 0, size, 0) end
    if object and (typed == "obj" or stop == size) and not (typed == nil and raw:match("^[%w%p ]+$")) then
      text = object
      tree:add(F.object, tvb(0, size), object)
    elseif raw:match("^[^%c\128-\255]+$") and typed == nil then
      text = quoted(raw)
      tree:add(F.text, tvb(0, size), raw)
    end
  end
  local id = p.dest_seq >= REFERENCE and p.dest_seq - REFERENCE or p.dest_seq
  if kind == "req-rep" or kind == "rep-req" then
    local role = word == "req?" and "offer" or word == "req-" and "withdrawn" or word == "req!" and "take"
      or kind == "req-rep" and "request" or "reply"
    if word then tree:add(F.word, tvb(0, size), word) end
    tree:add(F.request, id):set_generated()
    show_request(tree, tostring(kind == "req-rep" and p.source or p.dest) .. "/" .. tostring(id), pinfo, role)
    text = (word and word or role .. " " .. (text or "")) .. " #" .. tostring(id)
  end
  return text or (size .. " bytes")
end

local function show_package(tvb, pinfo, root, at, size)
  local p = {
    slot = tvb(at + 8, 8):le_uint64(), source = tvb(at + 16, 8):le_uint64(), seq = tvb(at + 24, 8):le_uint64(),
    dest = tvb(at + 32, 8):le_uint64(), dest_seq = tvb(at + 40, 8):le_uint64(), length = size,
  }
  local tree = root:add(yoton, tvb(at, 56 + size))
  tree:add(F.control, tvb(at, 8))
  tree:add_le(F.slot, tvb(at + 8, 8))
  local name = names[tostring(p.slot)]
  if name then tree:add(F.slot_name, tvb(at + 8, 8), name):set_generated() end
  tree:add_le(F.source, tvb(at + 16, 8))
  tree:add_le(F.seq, tvb(at + 24, 8))
  tree:add_le(F.dest, tvb(at + 32, 8))
  tree:add_le(F.dest_seq, tvb(at + 40, 8))
  tree:add_le(F.length, tvb(at + 48, 8))
  local here = way(pinfo)
  local marks = remembered(pinfo, tvb:offset() + at, function()
    local found = { after_close = closed[here] }
    if size > 0 then
      local key = here .. "/" .. tostring(p.source)
      found.late = last_of[key] ~= nil and p.seq <= last_of[key]
      if not found.late then last_of[key] = p.seq end
    elseif p.seq == UInt64(1) then
      closed[here] = true
    end
    return found
  end)
  if marks.after_close then tree:add_proto_expert_info(E.after_close) end
  if size == 0 then
    local signal = p.seq == UInt64(0) and "heartbeat" or p.seq == UInt64(1) and "close" or "signal " .. tostring(p.seq)
    tree:add(F.signal, tvb(at + 24, 8), signal)
    tree:append_text(", " .. signal)
    if signal:find("^signal") then tree:add_proto_expert_info(E.unknown_signal) end
    if p.slot ~= UInt64(1) or p.source ~= UInt64(0) or p.dest ~= UInt64(0) or p.dest_seq ~= UInt64(0) then
      tree:add_proto_expert_info(E.odd_signal)
    end
    return signal
  end
  if marks.late then tree:add_proto_expert_info(E.late) end
  if p.source == UInt64(0) then tree:add_proto_expert_info(E.no_source) end
  if p.slot < UInt64(8) and p.slot ~= UInt64(2) then tree:add_proto_expert_info(E.reserved) end
  tree:add(F.payload, tvb(at + 56, size))
  local words = show_payload(tvb(at + 56, size):tvb(), tree, pinfo, p)
  tree:append_text(", " .. (name or (p.slot == UInt64(2) and "contexts" or "slot " .. tostring(p.slot))) .. ", " .. words)
  return words
end

-- ---- A line -------------------------------------------------------------------------------------

local function show_line(tvb, pinfo, root, at, size)
  local line = tvb:raw(at, size)
  local tree = root:add(yoton, tvb(at, size), "Yoton handshake")
  local id, pid = line:match("^YOTON!(%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x)%.(%d+)\r\n$")
  tree:add(F.line, tvb(at, size), (line:gsub("\r\n$", "")))
  if id and #pid <= 20 and not id:find("^0+$") then
    tree:add(F.id, tvb(at + 6, 16), UInt64.fromhex(id))
    tree:add(F.pid, tvb(at + 23, #pid), pid)
    tree:append_text(", id " .. id .. ", process " .. pid)
    return "line of " .. id:lower()
  end
  if line:find("^ERROR: ") then
    tree:add(F.refusal, tvb(at, size), (line:gsub("\r\n$", "")))
    tree:add_proto_expert_info(E.refused)
    return "refusal"
  end
  tree:add_proto_expert_info(E.bad_line)
  return "bad line"
end

-- ---- The stream ---------------------------------------------------------------------------------

local function begins(tvb, at, what)
  local size = math.min(#what, tvb:len() - at)
  return tvb:raw(at, size) == what:sub(1, size), size == #what
end

-- What stands at `at`: its kind and size; "more" and how many bytes are missing (nil for unknown).
local function next_thing(tvb, at)
  local left = tvb:len() - at
  local is_package, certain = begins(tvb, at, "YOTON   ")
  if is_package and (certain or left < 8) then
    if left < 56 then return "more", certain and 56 - left or nil end
    local length = tvb(at + 48, 8):le_uint64()
    if length > UInt64(yoton.prefs.limit) then return "too_long", left end
    local size = length:tonumber()
    if left < 56 + size then return "more", 56 + size - left end
    return "package", size
  end
  if begins(tvb, at, "YOTON!") or begins(tvb, at, "ERROR: ") then
    local stop = tvb:raw(at, math.min(left, 64)):find("\r\n", 1, true)
    if stop then return "line", stop + 1 end
    if left < 64 then return "more", nil end
    return "line", 64
  end
  return "control", left
end

function yoton.dissector(tvb, pinfo, root)
  learn_names()
  pinfo.cols.protocol = "Yoton"
  local at, told = 0, {}
  while at < tvb:len() do
    local kind, size = next_thing(tvb, at)
    if kind == "more" then
      pinfo.desegment_offset = at
      pinfo.desegment_len = size or DESEGMENT_ONE_MORE_SEGMENT
      break
    elseif kind == "package" then
      told[#told + 1] = show_package(tvb, pinfo, root, at, size)
      at = at + 56 + size
    elseif kind == "line" then
      told[#told + 1] = show_line(tvb, pinfo, root, at, size)
      at = at + size
    else
      root:add(yoton, tvb(at, size), "Yoton, bytes that are no package"):add_proto_expert_info(E[kind])
      told[#told + 1] = kind == "control" and "track is lost" or "a length above the limit"
      at = at + size
    end
  end
  if #told == 0 then return end
  local words = table.concat(told, "; ")
  if pinfo.private.yoton then -- several calls for one frame: a reassembled package, and what follows it
    pinfo.cols.info:append("; " .. words)
  else
    pinfo.cols.info:set(words)
    pinfo.private.yoton = "told"
  end
end

-- A stream is taken for Yoton by its first bytes, or by those of any package in a capture that begins later.
yoton:register_heuristic("tcp", function(tvb, pinfo, root)
  if tvb:len() < 6 then return false end
  local line = begins(tvb, 0, "YOTON!") or begins(tvb, 0, "YOTON   ")
  local refusal = tvb:len() >= 16 and (begins(tvb, 0, "ERROR: this is Yoton.") or begins(tvb, 0, "ERROR: could not parse id."))
  if not line and not refusal then return false end
  pinfo.conversation = yoton
  yoton.dissector(tvb, pinfo, root)
  return true
end)
DissectorTable.get("tcp.port"):add_for_decode_as(yoton)
